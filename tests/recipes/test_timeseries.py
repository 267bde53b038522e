"""The recipe `timeseries`: windows in the order of time, per series, never past an edge; M2's defaults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import nbtrain
from nbtrain.core.errors import ConfigError, DataError
from nbtrain.ordering import ordered
from nbtrain.recipes.base import Columns, Prepared
from nbtrain.recipes.series import timeline
from nbtrain.recipes.windows import Windows, ends_of
from tests.halves import stopped

SMALL = {"window": 8, "epochs": 3, "learning_rate": 3e-3, "batch_size": 32}


def series(name: str, count: int, seed: int = 0) -> pd.DataFrame:
    """A number that says which step it is, one that waves, and whether the wave goes up: one step in four."""
    draw = np.random.default_rng(seed)
    step = np.arange(count)
    wave = np.sin(step * np.pi / 4) + 0.05 * draw.normal(size=count)
    return pd.DataFrame({
        "when": pd.date_range("2024-01-01", periods=count, freq="h"), "name": name, "step": step.astype(float),
        "wave": wave, "state": np.where(step % 4 == 0, "rare", "usual")})


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.concat([series("a", 200), series("b", 120, 1)], ignore_index=True)


def prepared(data: Any, model: Any = "tcn", **options: Any) -> Prepared:
    columns = Columns(**{name: options.pop(name, None) for name in ("target", "features", "time", "group")})
    made = ordered(model, data, columns, {"recipe": "timeseries", **SMALL, **options})
    assert made is not None
    return made.prepared()


def train(data: Any, model: Any = "tcn", **options: Any) -> nbtrain.Run:
    return nbtrain.train(model, data, show=False, **{"recipe": "timeseries", **SMALL, **options})


def steps_seen(windows: Windows, mean: float, deviation: float) -> torch.Tensor:
    """The feature `step` of every window, (windows, steps), in its own units."""
    inputs, _ = windows.take(torch.arange(len(windows)), None)
    return (inputs[:, :, 0] * deviation + mean).round()


def mean_of(made: Prepared) -> tuple[float, float]:
    number = made.fitted["encoding"]["numbers"][0]
    assert number["name"] == "step"
    return number["mean"], number["deviation"]


def test_the_defaults_are_those_that_were_asked_for(frame):
    made = ordered(None, frame, Columns(target="state", group="name"), {"recipe": "timeseries"})
    assert made is not None
    wanted = {
        "epochs": 150, "batch_size": 128, "learning_rate": 5e-5, "weight_decay": 0.01, "dropout": 0.4,
        "label_smoothing": 0.1, "use_focal_loss": True, "focal_gamma": 2.5, "gaussian_noise_std": 0.01,
        "use_oversampling": True, "oversample_ratio": 0.5, "scheduler": "cosine_with_restarts", "scheduler_t_0": 10,
        "scheduler_t_mult": 2, "early_stopping": True, "patience": 20}
    assert {name: made.order.config[name] for name in wanted} == wanted


@pytest.mark.parametrize("target", ["state", "wave"])
def test_windows_are_whole_in_time_and_never_past_an_edge(frame, target):
    horizon = 3 if target == "wave" else 0
    made = prepared(frame, target=target, group="name", features=["step"], validation=0.2, test=0.1, split_gap=5,
                    **({"horizon": horizon} if horizon else {}))
    edges = {}
    for part in ("train", "validation", "test"):
        windows = getattr(made, part)
        seen = steps_seen(windows, *mean_of(made))
        assert (seen.diff(dim=1) == 1).all()  # one series, one step after another: none across an edge or a series
        _, targets = windows.take(torch.arange(len(windows)), None)
        last = seen[:, -1].numpy().astype(int)
        if target == "state":
            assert [windows.classes[number] for number in targets] == [
                "rare" if step % 4 == 0 else "usual" for step in last]
        else:
            goal = made.fitted["goal"]
            values = targets.numpy() * goal["deviation"] + goal["mean"]
            for each, (step, value) in enumerate(zip(last, values, strict=True)):
                known = frame[frame.step == step + horizon]["wave"].to_numpy()
                assert np.isclose(known, value, atol=1e-5).any(), (part, each)
        edges[part] = seen[:, 0].min(), seen[:, -1].max() + horizon
    # series a: 140 train, less 5 of gap; then 40 less 5; then 20. Series b is shorter, and ends earlier in each part.
    assert edges["train"][1] == 134
    assert edges["test"][1] == 199
    assert edges["validation"][1] == 174
    counts = [len(getattr(made, part)) for part in ("train", "validation", "test")]
    lengths = [(135, 79), (35, 19), (20, 12)]  # of a, of b
    assert counts == [sum(max(rows - 8 - horizon + 1, 0) for rows in both) for both in lengths]


def test_the_stride_counts_back_from_the_newest_step():
    line = timeline(nbtrain.load_dataset(series("a", 50), name="one").table, "when", None)
    ends = ends_of(line, window=8, horizon=0, stride=10)
    assert ends.tolist() == [9, 19, 29, 39, 49]
    assert ends_of(line, window=50, horizon=1, stride=1).tolist() == []


def test_features_are_standardised_by_the_training_part(frame):
    made = prepared(frame[frame.name == "a"], target="state", features=["step"], validation=0.5)
    assert mean_of(made)[0] == pytest.approx(np.arange(100).mean())
    assert mean_of(made)[1] == pytest.approx(np.arange(100).std())


def test_gaps_become_what_was_seen_last_and_are_marked(frame):
    data = frame[frame.name == "a"].copy()
    data.loc[[0, 1, 20, 21], "step"] = np.nan
    made = prepared(data, target="state", features=["step"], window=2)
    inputs, _ = made.train.take(torch.arange(22), None)
    mean, deviation = mean_of(made)
    steps = (inputs[:, 1, 0] * deviation + mean).round().tolist()
    assert steps[1:21] == [*range(2, 20), 19, 19]
    assert inputs[0, :, 0].tolist() == [0.0, 0.0]  # nothing was seen before: the mean
    assert inputs[:, 1, 1].nonzero().flatten().tolist() == [0, 19, 20]


@pytest.mark.parametrize("model", ["hybrid-cnn-lstm", "lstm", "tcn"])
def test_classes_are_learnt_and_each_new_step_told(frame, model):
    run = train(frame, model, target="state", group="name", features=["wave"], epochs=12 if model == "tcn" else 2)
    assert run.wait() == "finished"
    assert len(run.history["val_macro_f1"].values) == len(run.history["val_accuracy"].values) == run.epochs
    told = run.predict(frame.drop(columns="state"))
    assert list(told.columns) == ["name", "when", "prediction", "probability", "p(rare)", "p(usual)"]
    assert len(told) == 320 - 2 * 7
    truth = frame.merge(told, on=["name", "when"])
    assert len(truth) == len(told)
    if model == "tcn":  # the others need longer
        assert (truth["state"] == truth["prediction"]).mean() > 0.9


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_steps_are_told_as_the_data_has_them(frame, zone):
    when = frame.when.dt.tz_localize("UTC").dt.tz_convert(zone)
    data = frame.assign(name=np.where(frame.name == "a", 7, 12), when=when)
    run = train(data, target="state", group="name", features=["wave"], epochs=1)
    run.wait()
    told = run.predict(data.drop(columns="state"))
    assert told["name"].dtype == data["name"].dtype
    if zone is not None:
        assert str(told["when"].dtype) == "datetime64[us, UTC]"
        told["when"] = told["when"].dt.tz_convert(zone)
    assert len(data.merge(told, on=["name", "when"])) == len(told) == 320 - 2 * 7
    assert told["when"][0] == data["when"][7]
    texts = data.drop(columns="state").assign(when=data.when.astype(str))
    pd.testing.assert_series_equal(run.predict(texts)["prediction"], told["prediction"])


@pytest.mark.parametrize(("options", "said"), [
    ({"horizon": 3}, "horizon is 3, but the target 'state' has classes"),
    ({"loss": "mse"}, "loss is 'mse', which is of amounts, and the target 'state' has 2 classes"),
])
def test_options_that_mean_nothing_here_are_told(frame, options, said):
    with pytest.raises(ConfigError, match=said):
        train(frame, target="state", group="name", **options)
    assert nbtrain.runs() == []


@pytest.mark.parametrize(("name", "said"), [
    ("when", "'when' cannot be learnt from: it is the time, by which"),
    ("name", "'name' cannot be learnt from: it is the group"), ("state", "'state' cannot be .* it is the target"),
])
def test_what_orders_the_rows_is_no_feature(frame, name, said):
    with pytest.raises(DataError, match=said):
        prepared(frame, target="state", group="name", features=["wave", name])


def test_an_epoch_has_as_many_of_a_rare_class_as_were_asked_for(frame):
    run = train(frame, target="state", group="name", epochs=1, oversample_ratio=0.75)
    run.wait()
    made = prepared(frame, target="state", group="name", oversample_ratio=0.75)
    rare, usual = torch.bincount(made.train.targets).tolist()
    from nbtrain.engine.rows import RowSource  # noqa: PLC0415 - loads torch, and is for this test alone

    source = RowSource(made.train, batch_size=32, seed=0, train=True, device=torch.device("cpu"), oversample=0.75)
    counts = torch.stack([torch.bincount(batch.target, minlength=2) for batch in source.epoch(0)]).sum(0)
    assert rare < 0.5 * usual
    assert counts.tolist() == [-(-usual * 3 // 4), usual]
    assert run.total_steps == -(-(-(-usual * 3 // 4) + usual) // 32)


def test_windows_are_stretched_by_chance_while_training_alone_and_the_same_after_a_resume(frame):
    windows = prepared(frame, target="state", group="name").train
    rows = torch.arange(5)
    plain, first, same, other = (windows.take(rows, seed)[0] for seed in (None, 1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    factor = (first / plain)[plain.abs() > 0.1]
    assert 0.5 < float(factor.min()) < 1 < float(factor.max()) < 1.5
    ratio = first / plain
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), atol=1e-4)  # one factor for a window's feature
    still = prepared(frame, target="state", group="name", use_augmentation=False).train
    assert torch.equal(still.take(rows, 1)[0], plain)


def test_an_amount_is_forecast_in_its_own_units(frame):
    data = frame.assign(wave=1000 + 50 * frame["wave"])
    run = train(data, target="wave", group="name", features=["wave"], horizon=2, epochs=40, batch_size=16)
    run.wait()
    assert any("An amount is forecast, so what is for classes is left out" in said for said in run.warnings)
    assert run.config["use_focal_loss"] is False
    figures = run.evaluate()
    assert figures["r2"] > 0.9
    assert 1 < figures["mae"] < 12
    told = run.predict(data)
    truth = data.assign(prediction=told.set_index(["name", "when"])["prediction"].reindex(
        pd.MultiIndex.from_frame(data[["name", "when"]])).to_numpy())
    later = truth.groupby("name")["wave"].shift(-2)
    assert (truth["prediction"] - later).abs().mean() < 15


def test_the_newest_may_come_first_and_series_may_be_mixed(frame):
    newest_first = frame.sort_values(["when", "name"], ascending=False)
    made, other = (prepared(each, target="state", group="name", features=["step"]) for each in (newest_first, frame))
    assert any("has the newest rows first" in note for note in made.notes)
    for windows in (made.train, other.train):
        assert (steps_seen(windows, *mean_of(made)).diff(dim=1) == 1).all()
    assert sorted(made.train.targets.tolist()) == sorted(other.train.targets.tolist())


def test_windows_without_a_target_and_short_series_are_told(frame):
    data = pd.concat([frame, series("c", 6)], ignore_index=True)
    data.loc[[50, 60], "state"] = None
    run = train(data, target="state", group="name", epochs=1, features=["wave"])
    run.wait()
    assert any("2 of " in said and "their target is missing" in said for said in run.warnings)
    assert any("1 of 3 series of the training part have fewer than 8 rows" in said and "c (" in said
               for said in run.warnings)


def spoilt(change: str) -> tuple[pd.DataFrame, dict[str, Any]]:  # noqa: C901, PLR0912 - a case for each
    data: Any = series("a", 60)
    options: dict[str, Any] = {"target": "state"}
    match change:
        case "backwards":
            data.loc[[30, 31], "when"] = data.loc[[31, 30], "when"].to_numpy()
        case "repeated":
            data.loc[30, "when"] = data.loc[29, "when"]
        case "two series":
            data = pd.concat([data, series("b", 60)])
        case "no time":
            data.loc[[3, 4], "when"] = pd.NaT
        case "no group":
            data.loc[5, "name"] = None
            options["group"] = "name"
        case "no column":
            data = data.drop(columns=["when", "step"])
        case "two columns":
            data["also"] = data["when"]
        case "short":
            options["window"] = 60
        case "empty":
            data["wave"], options["features"] = np.nan, ["wave"]
        case "text":
            options["features"] = ["name"]
        case "constant":
            data["state"] = "a"
        case "one row":
            data.loc[7, "state"] = "never again"
        case "gaps":
            data["state"] = None
        case "target":
            options["target"] = "stat"
    return data, options


@pytest.mark.parametrize(("change", "said"), [
    ("backwards", r"'when' of .* goes backwards at row 31, the first time from .*07:00:00 to .*06:00:00; mend these"),
    ("repeated", r"comes more than once in the data: 2024-01-02 05:00:00 in 2 rows \(29, 30\)"),
    ("two series", r"in all, 120 rows share their time with another; .* name the column that tells the series apart"),
    ("no time", r"has no 'when' in 2 rows \(3, 4\)"),
    ("no group", "has no 'name' in row 5, so it is not known which series"),
    ("no column", "no column holds dates; name the column of times, or of step numbers: time=…"),
    ("two columns", "several columns hold dates \\('when', 'also'\\)"),
    ("short", r"No window fits into .* \(train\): it has 51 rows, and a window takes 60"),
    ("empty", "cannot be learnt from by 'wave': nothing but gaps"),
    ("text", "Column 'name' of .* holds text, which this recipe cannot learn from"),
    ("constant", "The target 'state' of .* is 'a' in all of its 60 rows"),
    ("one row", r"a class of one row \('never again', in row 7\)"),
    ("gaps", "holds nothing but gaps|holds (nested|integer) values"),
    ("target", "There is no column 'stat'; did you mean 'state'"),
])
def test_what_cannot_be_learnt_is_said_before_anything_starts(change, said):
    data, options = spoilt(change)
    with pytest.raises(DataError, match=said):
        train(data, **options)
    assert nbtrain.runs() == []


def test_a_dataset_that_was_split_at_random_would_show_the_future(frame):
    dataset = nbtrain.load_dataset(frame[frame.name == "a"], name="mixed")
    dataset.split(method="random", train=0.8, validation=0.2, test=0.0)
    with pytest.raises(DataError, match="not in the order of time: validation begins before train ends, so windows"):
        train(dataset, target="state")
    dataset.split(method="time", time="when", train=0.8, validation=0.2, test=0.0)
    train(dataset, target="state", epochs=1).wait()


def test_it_is_chosen_by_itself_for_models_of_series_and_rows_with_a_time(frame):
    run = nbtrain.train("lstm", frame, target="state", group="name", show=False, window=8, epochs=1)
    run.wait()
    assert run.config["recipe"] == "timeseries"


def test_another_kernel_goes_on_to_the_same_weights_and_all_is_plain_json(frame):
    from tests.test_resuming import in_another_kernel  # noqa: PLC0415 - beside other tests

    options: dict[str, Any] = {"target": "state", "group": "name", "epochs": 4, "seed": 3}
    whole, run = train(frame, **options), stopped(train, frame, after=12, **options)
    whole.wait()
    done = in_another_kernel("""
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        history = {name: [float(each) for each in run.history[name].values] for name in run.history.names}
        print(json.dumps({"resumed": run.resumed, "history": history, "sum": [
            p.double().sum().item() for p in run.model.parameters()]}))
    """, run_id=run.id)
    assert done["resumed"] == {"exact": True, "reasons": []}
    assert done["sum"] == [p.double().sum().item() for p in whole.model.parameters()]
    for name in ("val_macro_f1", "val_loss", "train_loss"):
        assert done["history"][name] == whole.history[name].values.tolist()
    for row in nbtrain.runs():
        json.dumps(row, allow_nan=False)
    for file in whole.folder.rglob("*.json*"):
        for line in file.read_text("utf-8").splitlines() if file.suffix == ".jsonl" else [file.read_text("utf-8")]:
            json.loads(line)


def test_the_example_of_the_documentation_runs():
    text = (Path(__file__).parents[2] / "docs" / "recipes" / "timeseries.md").read_text("utf-8")
    code = text.split("```python\n", 1)[1].split("```", 1)[0]
    exec(compile(code, "timeseries.md", "exec"), {})  # noqa: S102 - our own documentation
    assert [run["state"] for run in nbtrain.runs()] == ["finished"]
