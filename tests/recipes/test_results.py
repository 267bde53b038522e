"""`run.results()`: what a run gives beside the truth, of every recipe and of runs without one."""

from __future__ import annotations

import dataclasses
import gc
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import nbtrain
from nbtrain import results as looking
from nbtrain.core.errors import CommandError, ConfigError, DataError
from nbtrain.core.outcomes import Outcome, Worst
from nbtrain.core.tasks import Progress
from nbtrain.launcher import NotebookLauncher
from nbtrain.recipes.judging.showing import drawn
from nbtrain.store import results as store
from nbtrain.store.stored import StoredRun
from tests.recipes.drawn import folder_of_dots, folder_of_shapes
from tests.recipes.spoken import save


def train(model: Any, data: Any, **options: Any) -> nbtrain.Run:
    return nbtrain.train(model, data, show=False, **{"epochs": 1, "batch_size": 16, "device": "cpu", **options})


def ended(model: Any, data: Any, **options: Any) -> nbtrain.Run:
    run = train(model, data, **options)
    assert run.wait() == "finished"
    return run


def counted(found: looking.Results) -> pd.DataFrame:
    """The table of classes, which there must be."""
    table = found.confusion
    assert table is not None
    return table


@pytest.fixture
def frame() -> pd.DataFrame:
    """The class follows from a number and a colour."""
    draw = np.random.default_rng(0)
    size, colour = draw.normal(1000, 200, 240), draw.choice(["red", "<b>green</b>", "blue"], 240)
    big = size + np.where(colour == "red", 300, 0) > 1050
    return pd.DataFrame({"size": size, "colour": colour, "kind": np.where(big, "<i>large</i>", "little")})


def test_a_table_in_classes_row_by_row(frame):
    run = ended("tabular-mlp", frame, recipe="tabular", target="kind", epochs=4, learning_rate=5e-3, test=0.25)
    found = run.results(worst=5)
    rows = found.predictions
    assert found.outcome.part == "test"
    assert found.outcome.rows == len(rows) == counted(found).to_numpy().sum()
    own = frame.loc[rows["row"]]
    assert list(rows["truth"]) == list(own["kind"])
    assert list(rows["predicted"]) == list(run.predict(own.drop(columns="kind"))["prediction"])
    crossed = pd.crosstab(rows["truth"], rows["predicted"])
    for truth, predicted in ((a, b) for a in crossed.index for b in crossed.columns):
        assert counted(found).loc[truth, predicted] == crossed.loc[truth, predicted]
    assert {name: found.metrics[name] for name in run.evaluate()} == run.evaluate()
    assert list(found.worst["row"]) == list(rows.nlargest(5, "loss")["row"])
    assert list(found.worst["colour"]) == list(frame.loc[found.worst["row"], "colour"])
    assert list(found.groups["name"]) == ["<i>large</i>", "little"]
    assert "&lt;i&gt;large" in str(found.figure().layout.xaxis.ticktext)  # plotly reads tags
    assert repr(found).startswith(f"Results of 'tabular-mlp' on {len(rows)} rows (test): loss")


def test_what_is_found_is_kept_with_the_run_and_what_was_handed_in_is_not(frame):
    run = ended("tabular-mlp", frame, recipe="tabular", target="kind")
    assert store.kept(run.folder) is None
    found = run.results()
    assert found.outcome.part == "validation"
    assert store.kept(run.folder) == found.outcome
    other = run.results(frame.head(40), worst=0)
    assert (other.outcome.part, other.outcome.rows, len(other.worst)) == ("given", 40, 0)
    assert list(other.predictions["truth"]) == list(frame["kind"].head(40))
    assert store.kept(run.folder) == found.outcome


def test_another_kernel_shows_what_was_kept(frame):
    run = ended("tabular-mlp", frame, recipe="tabular", target="kind")
    launcher, found = NotebookLauncher(), run.id
    assert launcher.can_look(found)
    assert launcher.look(found).wait(60) == launcher.results(found) == run.results().outcome
    del run
    gc.collect()
    assert isinstance(launcher.view(found), StoredRun)
    kept = launcher.results(found)
    assert kept is not None
    assert kept.part == "validation"


def test_a_hand_at_what_was_kept_is_no_error(frame, tmp_path):
    outcome = ended("tabular-mlp", frame, recipe="tabular", target="kind").results().outcome
    store.keep(tmp_path, dataclasses.replace(outcome, worst=(dataclasses.replace(outcome.worst[0], image=b"one"),)))
    store.keep(tmp_path, dataclasses.replace(outcome, worst=(dataclasses.replace(outcome.worst[0], image=b"two"),)))
    kept = store.kept(tmp_path)
    assert kept is not None
    assert kept.worst[0].image == b"two"
    [picture] = (tmp_path / "results").glob("*.img")  # the one before is gone
    picture.unlink()
    kept = store.kept(tmp_path)
    assert kept is not None
    assert kept.worst[0] == dataclasses.replace(outcome.worst[0], image=b"")
    (tmp_path / "results" / "results.json").write_text('{"outcome": {"part": 3}, "images": []}')
    assert store.kept(tmp_path) is None


def test_rows_of_a_dataset_that_was_split_anew_are_not_shown(frame):
    data = nbtrain.load_dataset(frame, name="sizes")
    data.split(train=0.6, validation=0.2, test=0.2)
    run = ended("tabular-mlp", data, recipe="tabular", target="kind")
    assert "colour" in run.results().worst
    data.split(train=0.6, validation=0.2, test=0.2, seed=5)
    found = run.results()
    assert "colour" not in found.worst
    assert "split anew" in found.notes[0]
    assert found.outcome.rows > 0


def test_amounts_of_a_table_and_of_a_forecast_are_in_their_own_units():
    draw = np.random.default_rng(1)
    x = draw.normal(size=(300, 2))
    data = pd.DataFrame(x, columns=["a", "b"]).assign(price=20_000 + 3000 * x[:, 0])
    run = ended("tabular-mlp", data, recipe="tabular", target="price", epochs=3)
    found = run.results()
    rows = found.predictions
    assert list(rows["truth"]) == pytest.approx(list(data.loc[rows["row"], "price"]), rel=1e-5)
    assert found.metrics["mae"] == pytest.approx(rows["error"].abs().mean(), rel=1e-3)
    assert found.confusion is None
    assert len(found.outcome.points) == len(rows)
    assert len(found.figure().data) == 2


def test_a_forecast_says_when_each_was():
    steps = np.arange(300)
    data = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=300, freq="h"), "wave": np.sin(steps / 5) * 9})
    newest_first = data[::-1].reset_index(drop=True)
    run = ended("tcn", newest_first, recipe="timeseries", target="wave", time="when", window=8, horizon=3)
    found = run.results()
    rows = found.predictions.set_index("when")
    later = data.set_index("when")["wave"].shift(-3)
    assert list(rows["truth"]) == pytest.approx(list(later.loc[rows.index]), abs=1e-4)
    assert found.worst["when"].iloc[0] == str(rows["error"].abs().idxmax()).removesuffix(" 00:00:00")
    assert list(newest_first.loc[found.predictions["row"], "when"]) == list(rows.index)


def test_texts_are_shown_as_they_are():
    data = pd.DataFrame({
        "text": [f"{word} is <b>{'good' if number % 2 else 'bad'}</b> سلام" for number, word in enumerate(
            ["tea", "rain", "bread", "wine"] * 15)], "label": ["yes" if n % 2 else "no" for n in range(60)]})
    run = ended("bert-tiny", data, recipe="text-classification", max_length=16, vocabulary_size=200)
    found = run.results(worst=3)
    assert list(found.worst["text"]) == list(data.loc[found.worst["row"], "text"])
    assert list(found.predictions["truth"]) == list(data.loc[found.predictions["row"], "label"])


def test_sentences_are_told_by_their_spans():
    words = [["Anna", "sees", "rain"], ["rain", "and", "Boris", "walks"]] * 30
    words.append(["Anna"] * 40)
    tags = [["PER" if word[0].isupper() else "O" for word in row] for row in words]
    data = pd.DataFrame({"tokens": words, "tags": tags})
    run = ended("bert-tiny", data, recipe="token-classification", max_length=32, vocabulary_size=200)
    found = run.results(data)
    assert found.predictions["truth"].iloc[1] == ["O", "O", "PER", "O"]
    assert found.predictions["predicted"].iloc[:60].tolist() == run.predict(data.head(60)[["tokens"]])
    long = found.predictions.iloc[-1]
    assert 0 < len(long["truth"]) == len(long["predicted"]) < 40  # the others were cut off
    assert found.groups.set_index("name").loc["PER", "rows"] == 60 + 1
    assert set(found.worst["text"]) <= {" ".join(row) for row in [*words, ["Anna"] * len(long["truth"])]}


@pytest.mark.parametrize("packing", [True, False])
def test_texts_that_surprised_most(packing):
    data = pd.DataFrame({"text": [f"Anna buys {what}, number {n}." for n, what in enumerate(["bread", "fish"] * 20)]})
    data.loc[7, "text"] = ""
    data.loc[9, "text"] = "zqxj wvkk pffq"
    run = ended(
        "gpt2-tiny", data, recipe="causal-lm", max_length=24, vocabulary_size=300, packing=packing, validation=0.3,
        epochs=6, batch_size=4, learning_rate=3e-3)
    found = run.results(data)
    assert found.metrics["perplexity"] == pytest.approx(run.evaluate(data)["perplexity"])
    rows = found.predictions
    assert list(rows["row"]) == [n for n in range(40) if n != 7]
    whole = float(np.exp((rows["loss"] * rows["tokens"]).sum() / rows["tokens"].sum()))
    assert whole == pytest.approx(found.metrics["perplexity"], rel=1e-4)
    assert found.worst["text"].iloc[0] == data.loc[found.worst["row"].iloc[0], "text"]
    assert "zqxj wvkk pffq" in list(found.worst["text"].head(3))


def test_images_are_shown(tmp_path):
    run = ended("resnet", folder_of_shapes(tmp_path / "shapes"), recipe="image-classification", image_size=24, test=0.2)
    found = run.results(worst=2)
    assert all(content.startswith((b"\x89PNG", b"RIFF")) for content in found.worst["image"])
    kept = store.kept(run.folder)
    assert kept is not None
    assert kept.images == found.outcome.images


def test_landmarks_point_by_point(tmp_path):
    run = ended(
        "hrnet", folder_of_dots(tmp_path / "dots"), recipe="landmarks", image_size=48, heatmap_sigma=1.0,
        use_augmentation=False)
    found = run.results(worst=2)
    points = found.groups.set_index("name")
    weighted = (points["mre_px"] * points["rows"]).sum() / points["rows"].sum()
    assert weighted == pytest.approx(found.metrics["mre_px"], rel=1e-4)
    assert found.outcome.measure == "pixels"
    assert found.worst["image"].iloc[0].startswith(b"\x89PNG")
    name = points.index[0]
    assert found.predictions[f"{name}_error"].mean() == pytest.approx(points.loc[name, "mre_px"], rel=1e-4)
    assert found.figure().data[0].y[0] == points.loc[name, "mre_px"]


def test_sentences_that_were_said_worst(tmp_path):
    run = ended(
        "text-to-mel", save(tmp_path / "sounds"), recipe="speech", text="text", model_size="tiny", sample_rate=8000,
        batch_size=6, validation=0.5)
    found = run.results(worst=2)
    rows = found.predictions
    assert list(found.worst["text"]) == list(rows.nlargest(2, "difference")["text"])
    assert found.worst["nats"].iloc[0] == pytest.approx(rows["difference"].max())
    assert found.worst["image"].iloc[0].startswith(b"\x89PNG")
    with pytest.raises(CommandError, match="nothing to draw"):
        found.figure()


def arrays(count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(count, 4, generator=torch.Generator().manual_seed(0))
    return x, (x[:, 0] > 0).long()


def test_arrays_without_a_recipe():
    x, y = arrays()
    run = ended(nn.Linear(4, 2), (x, y))
    found = run.results((x, y))
    net = run.model
    with torch.no_grad():
        said = net(x).argmax(1)
    assert [str(each) for each in said.tolist()] == list(found.predictions["predicted"])
    assert counted(found).loc["0", "1"] == int(((y == 0) & (said == 1)).sum())
    place = found.worst["row"].iloc[0]
    assert float(found.worst["x[0]"].iloc[0]) == pytest.approx(float(x[place, 0]), rel=1e-4)
    assert ended(nn.Linear(4, 1), (x, x.sum(1))).results().metrics["mae"] > 0


def test_a_loss_of_ones_own_and_a_loader():
    x, y = arrays()
    own = ended(nn.Linear(4, 2), (x, y), loss=nn.functional.cross_entropy)
    assert counted(own.results()).to_numpy().sum() == 30
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=32)
    known = own.results(loader)
    assert (known.outcome.rows, known.notes) == (200, [])
    shuffled = torch.utils.data.DataLoader(loader.dataset, batch_size=32, shuffle=True)
    assert "in another order each time" in own.results(shuffled).notes[0]


def test_a_dataset_without_a_recipe_shows_its_cells(frame):
    data = nbtrain.load_dataset(frame.assign(label=frame["kind"], other=1.5)[["size", "other", "label"]], name="plain")
    data.split(train=0.6, validation=0.15, test=0.25, target="label")
    run = ended(nn.Linear(2, 2), data)
    found = run.results()
    assert found.outcome.part == "test"
    assert list(found.predictions["truth"]) == list(frame.loc[found.predictions["row"], "kind"])
    assert float(found.worst["size"].iloc[0]) == pytest.approx(frame.loc[found.worst["row"].iloc[0], "size"], rel=1e-4)


def test_looking_while_it_is_paused_changes_nothing():
    x, y = arrays()

    def weights(*, look: bool) -> torch.Tensor:
        torch.manual_seed(0)
        first = nn.Linear(4, 8)
        net = nn.Sequential(first, nn.Dropout(0.3), nn.Linear(8, 2))
        run = train(net, (x, y), epochs=100)
        run.pause()
        assert run.state == "paused"
        if look:
            assert run.results().outcome.step == run.step
            assert net.training
        run.resume().wait()
        return first.weight.detach().clone()

    assert torch.equal(weights(look=True), weights(look=False))


def test_what_cannot_be_looked_at_is_said():
    x, y = arrays()
    run = ended(nn.Linear(4, 2), (x, y), validation=0.0)
    assert not looking.can_look(run)
    with pytest.raises(DataError, match="Nothing was held out"):
        run.results()
    for wrong in (-1, 101, 2.0, True):
        with pytest.raises(ConfigError, match=r"worst is .*; it must be a whole number from 0 to 100"):
            run.results((x, y), worst=wrong)  # type: ignore[arg-type]


def test_it_can_be_called_off_and_says_how_far_it_is():
    x, y = arrays()
    run = ended(nn.Linear(4, 2), (x, y))
    told: list[tuple[float, float | None]] = []
    looking.look(run, (x, y), progress=Progress(lambda each: told.append((each.done, each.total))))
    assert told[-1] == (200, 200)
    data = nbtrain.load_dataset(pd.DataFrame(x.numpy(), columns=list("abcd")).assign(y=y.numpy()), name="parts")
    data.split(train=0.5, validation=0.2, test=0.3, target="y")
    looking.look(ended(nn.Linear(4, 2), data), progress=Progress(lambda each: told.append((each.done, each.total))))
    assert told[-1] == (60, 60)
    progress = Progress()
    progress.cancel()
    with pytest.raises(nbtrain.NbtrainError, match="called off"):
        looking.look(run, progress=progress)
    assert store.kept(run.folder) is None


def test_a_module_that_was_trained_on_since_is_judged_as_its_run_left_it():
    x, y = arrays()
    net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 2))
    first = ended(net, (x, y), use_ema=True)
    before = first.results()
    assert not before.notes
    ended(net, (x, y), epochs=10, learning_rate=0.1)
    later = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    found = first.results()
    assert found.metrics == before.metrics
    assert list(found.predictions["loss"]) == list(before.predictions["loss"])
    assert "trained on or changed since" in found.notes[0]
    kept = store.kept(first.folder)
    assert kept is not None
    assert kept.metrics == before.metrics
    assert all(torch.equal(tensor, later[name]) for name, tensor in net.state_dict().items())


def test_rows_that_the_engine_held_out_of_a_dataset_have_their_numbers(frame):
    plain = frame.assign(y=(frame["kind"] == "little").astype(int))[["size", "y"]]
    data = nbtrain.load_dataset(plain, name="whole")
    found = ended(nn.Linear(1, 2), data, target="y", recipe="custom").results()
    rows = found.predictions
    assert not found.notes
    assert list(rows["truth"]) == [str(each) for each in plain.loc[rows["row"], "y"]]
    assert float(found.worst["size"].iloc[0]) == pytest.approx(plain.loc[found.worst["row"].iloc[0], "size"], rel=1e-4)


def test_rows_that_the_engine_held_out_of_arrays_are_called_as_their_owner_counts():
    x, y = arrays()
    images = torch.randn(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for net, data, options in (
            (nn.Linear(4, 2), (x, y), {}), (nn.Linear(4, 2), (x.numpy(), y.numpy()), {"test": 0.2}),
            (nn.Linear(4, 2), (pd.DataFrame(x.numpy()).sample(frac=1, random_state=1), pd.Series(y.numpy())), {}),
            (nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), TensorDataset(images, torch.arange(60) % 2), {})):
        run = ended(net, data, **options)
        found = run.results(worst=4)
        inputs, labels = data.tensors if isinstance(data, TensorDataset) else data
        rows = found.predictions
        assert rows["row"].max() >= len(rows)  # held out from among all
        own = np.asarray(inputs)[rows["row"]]
        assert list(rows["truth"]) == [str(each) for each in np.asarray(labels)[rows["row"]]]
        with torch.no_grad():
            said = run.model(torch.from_numpy(own)).argmax(1)
        assert list(rows["predicted"]) == [str(each) for each in said.tolist()]
        assert list(found.worst["row"]) == list(rows.nlargest(4, "loss")["row"])
        if "x[0]" in found.worst:
            cells = found.worst["x[0]"].astype(float)
            assert list(cells) == pytest.approx(list(np.asarray(inputs)[found.worst["row"], 0]), rel=1e-4)
        else:
            assert found.worst["image"].iloc[0] == drawn(images[found.worst["row"].iloc[0]])


def test_cells_that_are_called_like_what_is_told_of_a_row_are_not_lost():
    row = Worst(row=7, truth="a", predicted="b", measure=2.0, cells=(("row", "north"), ("loss", "9"), ("text", "t")))
    found = looking.Results(Outcome(part="test", rows=9, step=1, metrics={}, worst=(row,)), {}, "run").worst
    assert found.to_dict("records") == [{
        "row": 7, "loss": 2.0, "truth": "a", "predicted": "b", "row (data)": "north", "loss (data)": "9", "text": "t"}]
