"""The recipe `tabular`, from a data frame to predictions of raw rows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import nbtrain
from nbtrain.core.errors import ConfigError, DataError, ModelError
from nbtrain.ordering import ordered
from nbtrain.recipes import encoding
from nbtrain.recipes.base import Columns
from nbtrain.recipes.goals import balanced
from tests.halves import stopped


@pytest.fixture
def frame() -> pd.DataFrame:
    """The class follows from a number and a colour; gaps in both."""
    draw = np.random.default_rng(0)
    size, colour = draw.normal(1000, 200, 400), draw.choice(["red", "green", "blue"], 400)
    big = size + np.where(colour == "red", 300, 0) > 1050
    found = pd.DataFrame({
        "size": size, "colour": colour, "born": pd.date_range("2020-01-01", periods=400),
        "used": draw.random(400) > 0.5, "kind": np.where(big, "large", "little")})
    found.loc[::17, "size"] = np.nan
    found.loc[::23, "colour"] = None
    return found


def train(data: Any, model: Any = "tabular-mlp", **options: Any) -> nbtrain.Run:
    return nbtrain.train(model, data, show=False, **{
        "recipe": "tabular", "epochs": 12, "learning_rate": 5e-3, "batch_size": 32, **options})


def prepared(data: Any, model: Any = "tabular-mlp", **options: Any) -> Any:
    columns = Columns(target=options.pop("target", None), features=options.pop("features", None))
    loss, metrics = options.pop("loss", None), options.pop("metrics", None)
    made = ordered(model, data, columns, {"recipe": "tabular", **options}, loss=loss, metrics=metrics)
    assert made is not None
    return made.prepared()


@pytest.mark.parametrize("model", ["tabular-mlp", "tabular-resnet", "mlp"])
def test_classes_are_learnt_from_columns_of_all_kinds_and_raw_rows_predicted(frame, model):
    run = train(frame, model, target="kind")
    assert run.wait() == "finished"
    assert run.evaluate()["accuracy"] > 0.8
    answers = run.predict(frame.drop(columns="kind"))
    assert list(answers.columns) == ["prediction", "probability", "p(large)", "p(little)"]
    assert (answers["prediction"] == frame["kind"]).mean() > 0.85
    strange = run.predict({"size": None, "colour": "violet", "born": None, "used": None})
    assert 0 < strange["probability"][0] < 1


def test_the_larger_model_is_recommended_where_there_are_many_rows(frame, monkeypatch):
    assert prepared(frame, None, target="kind").name == "tabular-mlp"
    monkeypatch.setattr("nbtrain.recipes.tabular.MANY", 100)
    assert prepared(frame, None, target="kind").name == "tabular-resnet"


def test_of_few_rows_the_larger_model_is_smaller(frame, monkeypatch):
    small = prepared(frame, "tabular-resnet", target="kind").model.config
    monkeypatch.setattr("nbtrain.recipes.tabular.MANY", 100)
    large = prepared(frame, "tabular-resnet", target="kind").model.config
    assert (small["width"], small["blocks"], large["width"], large["blocks"]) == (64, 2, 128, 3)
    run = train(frame, "tabular-resnet", target="kind", epochs=1)
    run.wait()
    run.register("large", promote=False)
    monkeypatch.undo()
    assert prepared(frame, "large", target="kind").model.config == large  # one that learnt stays what it is


def test_it_is_chosen_by_itself_for_its_own_models(frame):
    run = nbtrain.train("tabular-mlp", frame, target="kind", epochs=1, show=False)
    run.wait()
    assert (run.config["recipe"], run.config["batch_size"], run.config["patience"]) == ("tabular", 64, 10)
    json.dumps(dict(run.config.flat()))


def test_an_amount_is_learnt_standardised_and_told_in_its_own_units():
    draw = np.random.default_rng(1)
    x = draw.normal(size=(500, 3))
    data = pd.DataFrame(x, columns=list("abc")).assign(price=20_000 + 3000 * x[:, 0] - 1000 * x[:, 1])
    run = train(data, target="price", epochs=25)
    run.wait()
    figures = run.evaluate(data)
    predicted = run.predict(data.drop(columns="price"))["prediction"]
    gap = predicted - data["price"]
    assert figures["mae"] == pytest.approx(gap.abs().mean(), rel=1e-3)
    assert figures["rmse"] == pytest.approx(math.sqrt((gap**2).mean()), rel=1e-3)
    assert figures["r2"] > 0.97
    assert figures["loss"] < 0.05  # of the standardised target


def test_the_training_part_alone_decides_means_and_categories(frame):
    dataset = nbtrain.load_dataset(
        frame.assign(colour=frame["colour"].where(np.arange(400) < 300, "violet"),
                     size=frame["size"].where(np.arange(400) < 300, 1e6),
                     part=np.where(np.arange(400) < 300, "train", "validation")), name="parts")
    dataset.split(method="column", column="part")
    made = prepared(dataset, target="kind", features=("size", "colour"))
    known = encoding.Encoding.from_json(made.fitted["encoding"])
    assert known.numbers[0].mean == pytest.approx(frame["size"][:300].mean())
    assert known.numbers[0].deviation == pytest.approx(frame["size"][:300].std(ddof=0))
    assert set(known.categories[0].values) == {"red", "green", "blue"}
    train_inputs, validation = made.train.inputs, made.validation.inputs
    assert set(validation["categories"].flatten().tolist()) == {encoding.UNKNOWN}
    assert encoding.UNKNOWN not in train_inputs["categories"]
    missing = torch.from_numpy(frame["size"][:300].isna().to_numpy().copy())
    assert torch.equal(train_inputs["numbers"][:, 1] == 1, missing)  # a column that says where gaps are
    assert not train_inputs["numbers"][:, 0][missing].any()


def test_categories_of_one_matrix_are_marks_and_unknown_ones_have_none(frame):
    made = prepared(frame, "mlp", target="kind", features=("colour",))
    assert made.train.inputs.shape[1] == 1 + 3  # a gap, and three colours
    assert torch.equal(made.train.inputs.sum(1), torch.ones(len(made.train.inputs)))
    made = prepared(frame, Own(4), target="kind", features=("colour",))
    assert made.fitted["form"] == "flat"


class Own(nn.Module):
    """A user's module with one output."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(x)
        return out


def test_a_module_of_ones_own_with_one_output_tells_two_classes(frame):
    data = frame.assign(kind=frame["kind"] == "little")
    run = train(data, Own(2), target="kind", features=["size"], class_weights="balanced", epochs=3)
    run.wait()
    assert {"val_precision", "val_auroc"} <= set(run.history.names)
    answers = run.predict(data)
    assert set(answers["prediction"]) <= {True, False}
    assert ((answers["p(True)"] >= 0.5) == answers["prediction"]).all()


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_the_threshold_decides_what_is_predicted_and_measured(frame, threshold):
    run = train(frame, target="kind", decision_threshold=threshold, epochs=3, metrics=["precision", "recall", "f1"])
    run.wait()
    figures, answers = run.evaluate(frame), run.predict(frame)
    said, true = answers["p(little)"] >= threshold, frame["kind"] == "little"
    assert (said == (answers["prediction"] == "little")).all()
    both = (said & true).sum()
    assert figures["recall"] == pytest.approx(both / true.sum())
    assert figures["precision"] == pytest.approx(both / max(said.sum(), 1))
    assert figures["f1"] == pytest.approx(2 * both / (said.sum() + true.sum()))


def test_balanced_weights_are_those_of_scikit_learn_and_count_in_the_loss(frame):
    from sklearn.utils.class_weight import compute_class_weight  # noqa: PLC0415 - slow to load, and for this test alone

    numbers = np.repeat([0, 1, 2], [70, 20, 10])
    assert balanced(numbers, 3) == pytest.approx(
        compute_class_weight("balanced", classes=np.arange(3), y=numbers).tolist())
    rare = pd.concat([frame[frame.kind == "large"], frame[frame.kind == "little"].head(40)], ignore_index=True)
    made = prepared(rare, target="kind", class_weights="balanced")
    counts = np.bincount(made.train.target.numpy())
    assert made.loss.weights == pytest.approx(counts.sum() / 2 / counts)


def test_two_classes_are_learnt_by_one_output_where_bce_is_asked_for(frame):
    run = train(frame, target="kind", loss="bce", class_weights="balanced")
    run.wait()
    assert dict(run.model.named_parameters())["head.bias"].shape == (1,)
    assert run.evaluate()["accuracy"] > 0.8
    answers = run.predict(frame)
    assert ((answers["p(little)"] >= 0.5) == (answers["prediction"] == "little")).all()
    assert (answers["prediction"] == frame["kind"]).mean() > 0.85


@pytest.mark.parametrize(("change", "options", "said"), [
    ({"y": None}, {"target": "y"}, "holds (null|integer|text|nested) values|holds nothing but gaps"),
    ({"y": 1}, {}, "The target 'y' of .* is '1' in all of its 60 rows; there is nothing to learn"),
    ({"y": pd.date_range("2020", periods=60)}, {}, "The target 'y' of .* holds date values; it must hold numbers"),
    ({"y": [[1.0]] * 60}, {}, "The target 'y' of .* holds nested values"),
    ({"y": ["a"] * 29 + ["rare"] + ["b"] * 30}, {}, r"has a class of one row \('rare', in row 29\)"),
    ({"y": [math.inf] + [0.5] * 29 + [0.25] * 30}, {}, "The target 'y' of .* is infinite in row 0"),
    ({"x": [0.5] * 59 + [math.inf]}, {"features": ["x"]}, "Column 'x' of .* is infinite in row 59; drop these rows"),
    ({"x": None}, {"features": ["x"]}, "cannot be learnt from by 'x': nothing but gaps in the training part"),
    ({"x": 7}, {}, "has no column to learn from. Not learnt from: 'x': one value in all rows of the training part"),
    ({}, {"target": "z"}, "There is no column 'z'"),
    ({}, {"features": ["y"]}, "'y' cannot be learnt from: it is the target"),
    ({}, {"features": ["z"]}, "has no column 'z'; it has: 'x', 'y'"),
    ({"x": [[1.0, 2.0]] * 60}, {"features": ["x"]}, "Column 'x' of .* holds lists or structs, which this rec"),
])
def test_what_cannot_be_learnt_is_said_before_anything_starts(change, options, said):
    data = pd.DataFrame({"x": np.arange(60.0), "y": [0, 1] * 30}).assign(**{
        name: pd.Series(value) if isinstance(value, list) else value for name, value in change.items()})
    with pytest.raises(DataError, match=said):
        train(data, **options)
    assert nbtrain.runs() == []


def test_what_is_left_out_is_told():
    data = pd.DataFrame({
        "x": np.arange(120.0), "empty": [None] * 120, "same": 5, "id": [f"n{place}" for place in range(120)],
        "list": [[1.0, 2.0]] * 120, "y": [0, 1] * 60})
    run = train(data, epochs=1)
    run.wait()
    assert set(run.warnings) == {
        "Not learnt from, for what they hold: 'list'.",
        "Not learnt from: 'same': one value in all rows of the training part.",
        "Not learnt from: 'empty': nothing but gaps in the training part.",
        "Not learnt from: 'id': nearly every row has a text of its own."}


def test_new_rows_that_do_not_fit_are_named(frame):
    run = train(frame, target="kind", epochs=1)
    run.wait()
    with pytest.raises(DataError, match="has no column 'size'"):
        run.predict(frame.drop(columns="size"))
    with pytest.raises(DataError, match=r"Column 'size' .* must hold numbers, as in training, and holds .* in row 1"):
        run.predict([{**frame.iloc[1].to_dict(), "size": size} for size in ("12", "big")])
    with pytest.raises(DataError, match=r"is 'huge' in 3 rows \(0, 1, 2\), which is none of the classes"):
        run.evaluate(frame.head(3).assign(kind="huge"))


def test_rows_written_as_text_are_read_as_the_run_read_its_own(frame, tmp_path):
    data = frame.assign(kind=frame["kind"] == "large")
    run = train(data, target="kind", epochs=1)
    run.wait()
    real = data.head(5)
    told = run.predict(real.drop(columns="kind"))
    texts = pd.DataFrame({name: [None if cell is pd.NaT or cell is None or cell != cell else str(cell)  # noqa: PLR0124
                                 for cell in real[name]] for name in real}, dtype=object)
    pd.testing.assert_frame_equal(run.predict(texts), told)
    assert run.evaluate(texts) == run.evaluate(real)  # classes of yes and no, too
    texts.to_csv(tmp_path / "new.csv", index=False)
    pd.testing.assert_frame_equal(run.predict(tmp_path / "new.csv"), told)


@pytest.mark.parametrize(("name", "cell", "said"), [
    ("born", "31.12.2020", "Column 'born' of .* must hold dates such as 2026-01-31 .*, and holds others in row 1"),
    ("born", 20_200_101, "must hold dates"),
    ("used", "perhaps", "Column 'used' of .* must hold true or false"),
    ("used", 3, "Column 'used' of .* must hold true or false"),
    ("size", pd.Timestamp("2020-01-01"), "Column 'size' of .* must hold numbers"),
])
def test_a_cell_of_another_kind_than_the_run_learnt_from_is_named(frame, name, cell, said):
    run = train(frame, target="kind", epochs=1)
    run.wait()
    first = dict.fromkeys(frame)
    with pytest.raises(DataError, match=said):
        run.predict([{**first, name: None}, {**first, name: cell}])


@pytest.mark.parametrize(("options", "said"), [
    ({"loss": "mse"}, "loss is 'mse', which is of amounts, and the target 'kind' has 2 classes"),
    ({"target": "three", "loss": "bce"}, "loss is 'bce', which is of two classes, and the target 'three' has 3"),
    ({"target": "three", "decision_threshold": 0.3}, "decision_threshold is 0.3, .* the target 'three' has 3 classes"),
    ({"target": "three", "config": nbtrain.TrainConfig(window=9)}, "window belongs to the recipe 'timeseries'"),
])
def test_a_loss_or_option_that_means_nothing_here_is_told(frame, options, said):
    data = frame.assign(three=np.arange(400) % 3)
    with pytest.raises(ConfigError, match=said):
        nbtrain.train(None, data, show=False, **{"recipe": "tabular", "target": "kind", **options})
    assert nbtrain.runs() == []


def test_options_that_do_not_go_with_the_target_are_refused(frame):
    amounts = frame.assign(y=frame["size"].fillna(0)).drop(columns="size")
    with pytest.raises(ConfigError, match="class_weights is 'balanced', but the target 'y' is an amount"):
        train(amounts, target="y", class_weights="balanced")
    with pytest.raises(ConfigError, match=r"label_smoothing is 0\.1, which does not go with the mse loss"):
        train(amounts, target="y", label_smoothing=0.1)
    with pytest.raises(ModelError, match="'lstm' does not take the data of this recipe; those that do are: tab"):
        train(frame, "lstm", target="kind")


def test_another_kernel_goes_on_to_the_same_weights(frame):
    from tests.test_resuming import in_another_kernel  # noqa: PLC0415 - beside other tests

    options: dict[str, Any] = {"target": "kind", "epochs": 30, "class_weights": "balanced", "seed": 3}
    whole, run = train(frame, **options), stopped(train, frame, **options)
    whole.wait()
    done = in_another_kernel("""
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        print(json.dumps({"resumed": run.resumed, "sum": [p.double().sum().item() for p in run.model.parameters()]}))
    """, run_id=run.id)
    assert done["resumed"] == {"exact": True, "reasons": []}
    assert done["sum"] == [p.double().sum().item() for p in whole.model.parameters()]


def test_another_kernel_goes_on_by_the_loss_and_metrics_that_were_asked_for(frame):
    from tests.test_resuming import in_another_kernel  # noqa: PLC0415 - beside other tests

    data = frame.assign(y=frame["size"].fillna(0)).drop(columns="size")
    options: dict[str, Any] = {"target": "y", "epochs": 30, "loss": "mae", "metrics": ["mae"]}
    whole, run = train(data, **options), stopped(train, data, **options)
    whole.wait()
    done = in_another_kernel("""
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        print(json.dumps({"sum": [p.double().sum().item() for p in run.model.parameters()],
                          "figures": sorted(run.evaluate())}))
    """, run_id=run.id)
    assert done["sum"] == [p.double().sum().item() for p in whole.model.parameters()]
    assert done["figures"] == sorted(whole.evaluate()) == ["loss", "mae"]


def test_a_loss_of_ones_own_must_be_handed_in_again_in_another_kernel(frame):
    from tests.test_resuming import in_another_kernel  # noqa: PLC0415 - as above

    run = stopped(
        train, frame, target="kind", epochs=30, loss=lambda output, target: output.square().mean())
    said = in_another_kernel("""
        try:
            nbtrain.resume(run_id, show=False)
        except nbtrain.core.errors.DataError as error:
            print(json.dumps(str(error)))
    """, run_id=run.id)
    assert said.startswith("The loss of the run was a function of a notebook that is gone, so it must be handed in")


def test_what_was_learnt_is_registered_and_gone_on_with(frame):
    run = train(frame, target="kind", epochs=2)
    run.wait()
    run.register("kinds", promote=False)
    more = train(frame, "kinds", target="kind", epochs=1)
    more.wait()
    assert more.name == "kinds"
    assert any("goes on with columns that are standardised" in said for said in more.warnings)
    with pytest.raises(ModelError, match="was made for other data: its numbers is"):
        train(frame, "kinds", target="kind", features=["size"], epochs=1)


def test_the_example_of_the_documentation_runs():
    text = (Path(__file__).parents[2] / "docs" / "recipes" / "tabular.md").read_text("utf-8")
    code = text.split("```python\n", 1)[1].split("```", 1)[0]
    exec(compile(code, "tabular.md", "exec"), {})  # noqa: S102 - our own documentation
    assert [run["state"] for run in nbtrain.runs()] == ["finished"]


@pytest.mark.parametrize("name", ["number", "value", "n", "x", "c0", "different", "a \"b\" 'c'", "__row__s", "time"])
def test_columns_may_be_called_anything(name):
    data = pd.DataFrame({name: [1.5, 2.5, None] * 20, "label": ["a", "b", "c"] * 20})
    assert prepared(data).fitted["encoding"]["numbers"][0]["mean"] == pytest.approx(2.0, abs=0.1)
    turned = pd.DataFrame({"label": np.arange(60.0) + 0.5, "texts": ["a", "b", "c"] * 20}).rename(
        columns={"texts": name}).rename(columns={"label": "y"})
    assert set(prepared(turned).fitted["encoding"]["categories"][0]["values"]) == {"a", "b", "c"}
    spoilt = data.rename(columns={"label": "other", name: "label"}).rename(columns={"other": name})
    with pytest.raises(DataError, match="is missing in 20 rows"):
        prepared(spoilt)


def test_a_gap_that_training_never_saw_counts_as_unknown(frame):
    whole = frame.assign(colour=frame.colour.fillna("red"))
    table = nbtrain.load_dataset(whole, name="whole").table
    known, _ = encoding.learn(table, [table.column("colour")], asked=True)
    gaps = nbtrain.load_dataset(frame, name="gaps").table
    read = encoding.Encoding.from_json(known.to_json()).read(gaps)[1][:, 0]
    assert set(read[frame.colour.isna()]) == {encoding.UNKNOWN}
