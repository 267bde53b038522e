"""Trainings that are given a dataset, or told where one is."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import feather
from torch import nn

import nbtrain
from nbtrain import feeding, training
from nbtrain.core.errors import DataError, DatasetNotFoundError
from nbtrain.data.keeping.library import Library
from nbtrain.data.processing import AugmentImage, Scale
from nbtrain.data.splits.splitting import SplitSpec, split
from nbtrain.launcher import NotebookLauncher

ROWS = 120


@pytest.fixture(scope="module")
def frame():
    """Three numbers, and whether their sum is positive, in words."""
    draw = np.random.default_rng(0)
    numbers = draw.normal(size=(ROWS, 3)).round(3)
    columns = {name: numbers[:, place] for place, name in enumerate("abc")}
    return pd.DataFrame({**columns, "label": np.where(numbers.sum(1) > 0, "up", "down")})


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))


def trained(model, data, **options):
    run = nbtrain.train(model, data, show=False, **{"epochs": 2, **options})
    assert run.wait() == "finished"
    return run


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.fixture(scope="module")
def straight(frame, tmp_path_factory):
    """Weights after a training on the frame's own numbers: what every file of them must lead to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBTRAIN_HOME", str(tmp_path_factory.mktemp("workspace")))
        model = net()
        trained(model, (frame[["a", "b", "c"]].to_numpy(np.float32), frame["label"].astype("category")))
        return weights(model)



WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    "csv.zst": lambda frame, path: pa.CompressedOutputStream(str(path), "zstd").write(
        frame.to_csv(index=False).encode()),
    "tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "json": lambda frame, path: frame.to_json(path, orient="records"),
    "jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "arrow": lambda frame, path: feather.write_feather(frame, path, compression="uncompressed"),
}


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_of_any_kind_trains_as_its_rows_do(ending, frame, straight, tmp_path):
    path = tmp_path / f"rows.{ending}"
    WRITERS[ending](frame, path)
    model = net()
    run = trained(model, path)
    assert torch.equal(weights(model), straight)
    assert list(run._trainer.given.data[1].cat.categories) == ["down", "up"]


def test_objects_of_a_notebook_and_a_name_train_as_their_rows_do(frame, straight, tmp_path):
    frame.to_csv(tmp_path / "rows.csv", index=False)
    dataset = nbtrain.load_dataset(frame, name="Rows")
    for given in (dataset, "rows", "dataset:ROWS", str(tmp_path / "*.csv")):
        model = net()
        trained(model, given)
        assert torch.equal(weights(model), straight), given


def test_a_folder_of_images(tmp_path):
    draw = np.random.default_rng(0)
    for name in ("dark", "light"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(8):
            pixels = draw.integers(0, 60, (6, 6, 3)) + (180 if name == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / name / f"{number}.png")
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 6, 2))
    run = trained(
        model, tmp_path / "photos", validation=0.25, batch_size=4, epochs=40, learning_rate=0.03, metrics=["accuracy"])
    assert run.history["val_accuracy"].values[-1] == 1.0


def test_one_part_is_trained_on_and_another_validated(frame):
    library = Library()
    record = library.add(frame, name="rows").dataset
    made = split(library.table(record.id), SplitSpec(method="stratified", target="label"))
    made.save(library.folder(record.id))
    fed = feeding.feed("rows")
    train, validation = fed.data, fed.validation
    assert (len(train[0]), len(validation[0])) == made.counts[:2]
    rows = made.rows("validation")
    np.testing.assert_array_equal(validation[0], frame[["a", "b", "c"]].to_numpy(np.float32)[rows])
    assert validation[1].tolist() == frame["label"].to_numpy()[rows].tolist()
    assert trained(net(), "rows").history["val_loss"].values.size == 2


def test_classes_are_numbered_alike_in_all_parts():
    rows = pd.DataFrame({
        "a": range(12), "label": ["b"] * 8 + ["a"] * 2 + ["c"] * 2, "part": ["train"] * 10 + ["validation"] * 2})
    library = Library()
    record = library.add(rows, name="rows").dataset
    split(library.table(record.id), SplitSpec(method="column", column="part", target="label")).save(
        library.folder(record.id))
    fed = feeding.feed("rows", features=["a"])
    assert list(fed.data[1].cat.categories) == list(fed.validation[1].cat.categories) == ["a", "b", "c"]
    assert fed.validation[1].cat.codes.tolist() == [2, 2]


def test_another_kernel_finds_the_data_by_itself(frame):
    nbtrain.load_dataset(frame, name="rows")
    whole = net()
    trained(whole, "rows")
    model = net()
    run = nbtrain.train(model, "rows", show=False, epochs=2)
    run.pause()
    run.stop()
    run.wait()
    run_id = run.id
    del run, model
    training._known.clear()  # as in another kernel
    again = nbtrain.resume(run_id, model=net(), show=False)
    assert again.wait() == "finished"
    assert again.resumed == {"exact": True, "reasons": []}
    assert torch.equal(weights(again.model), weights(whole))


def test_a_dataset_that_was_deleted_is_missed_by_name(frame):
    dataset = nbtrain.load_dataset(frame, name="rows")
    run_id = trained(net(), dataset).id
    Library().delete(dataset.id)
    training._known.clear()
    with pytest.raises(nbtrain.CommandError, match="has finished"):
        nbtrain.resume(run_id, model=net(), show=False)
    with pytest.raises(DatasetNotFoundError):
        feeding.feed("dataset:rows")


@pytest.mark.parametrize(("given", "said"), [
    ("rowz", "'rowz' is no dataset of this workspace, and cannot be imported as a file"),
    ("missing.csv", "'missing.csv' is no dataset of this workspace"),
])
def test_what_is_not_there_is_said_before_anything_starts(given, said):
    with pytest.raises(DataError, match=re.escape(said)):
        nbtrain.train(net(), given, show=False)
    assert nbtrain.runs() == []


def test_columns_are_chosen_by_name(frame):
    dataset = nbtrain.load_dataset(frame, name="rows")
    model = nn.Linear(2, 1)
    run = trained(model, dataset, target="c", features=["a", "b"])
    assert run._trainer.given.data[0].shape == (ROWS, 2)
    with pytest.raises(DataError, match="'d'"):
        nbtrain.train(nn.Linear(2, 1), dataset, target="d", show=False)
    with pytest.raises(DataError, match="target and features choose columns of a dataset, but the data is a tuple"):
        nbtrain.train(net(), (torch.zeros(4, 3), torch.zeros(4)), target="c", show=False)


def test_the_form_offers_datasets_and_starts_on_them(frame, monkeypatch):
    nbtrain.load_dataset(frame, name="rows")
    monkeypatch.setattr("nbtrain.launcher.namespace", lambda: {"model": net()})
    launcher = NotebookLauncher()
    offered = [subject for subject in launcher.subjects() if subject["kind"] == "data"]
    assert offered == [{"name": "dataset:rows", "kind": "data", "text": "dataset, 120 × 4", "recipes": None}]
    run = launcher.start({"epochs": 1}, model="model", data="dataset:rows")
    assert isinstance(run, nbtrain.Run)
    assert run.wait() == "finished"


def test_text_and_windows_and_lines(tmp_path):
    path = tmp_path / "windows.jsonl"
    path.write_text("".join(
        json.dumps({"window": [[float(i), 1.0]] * 4, "label": i % 2}) + "\n" for i in range(16)), "utf-8")
    trained(nn.Sequential(nn.Flatten(), nn.Linear(8, 2)), path, batch_size=4)
    lines = tmp_path / "lines.txt"
    lines.write_text("a\nb\n", "utf-8")
    with pytest.raises(DataError, match=r"Column 'text' of .* holds text, not numbers; train by a recipe"):
        nbtrain.train(net(), lines, show=False)


def test_new_rows_are_processed_as_the_dataset_was(frame):
    raw = frame.assign(a=frame["a"] * 100 + 7)
    ready = nbtrain.load_dataset(raw, name="rows").process(Scale(columns=["a", "b", "c"]), target="label")
    run = trained(net(), ready)
    processed = ready.frame()[["a", "b", "c"]].to_numpy(np.float32)
    expected = run.predict(processed)
    assert expected.shape == (ROWS, 2)
    new = raw.drop(columns="label")
    for given in (new, new.to_dict("records"), ready.table):
        torch.testing.assert_close(run.predict(given), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(run.predict(new.iloc[0].to_dict()), expected[:1], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(run.predict(new.to_numpy(np.float32)), expected)  # an array is taken as it is
    with pytest.raises(DataError, match="'a'"):
        run.predict(new.drop(columns="a"))


@pytest.fixture
def days(tmp_path):
    """A model trained on dates whose day comes first, on a text that looks like numbers, and on a number."""
    rows = [f"{n % 28 + 1:02}/{n % 12 + 1:02}/2020;{'1.50' if n % 2 else 'B'};{n},5;{n % 2}\n" for n in range(60)]
    path = tmp_path / "days.csv"
    path.write_text("day;code;n;label\n" + "".join(rows), "utf-8")
    dataset = nbtrain.load_dataset(path, delimiter=";")
    assert dataset.table.column("day").type == "DATE"
    ready = dataset.process(
        {"step": "dates", "columns": ["day"], "cycles": False, "year": False, "weekday": False},
        {"step": "categories", "columns": ["code"], "method": "one_hot"},
        {"step": "to_number", "columns": ["n"], "decimal": "comma"}, target="label")
    torch.manual_seed(0)
    model = nn.Linear(len(ready.table.columns) - 1, 2)
    return trained(model, ready, target="label"), tmp_path


def test_new_dates_are_in_the_order_of_the_datasets(days):
    run, folder = days
    row = {"day": "03/04/2020", "code": "1.50", "n": "7,5"}
    same = {**row, "day": "2020-04-03"}, {**row, "day": pd.Timestamp(2020, 4, 3)}
    frame = pd.DataFrame([row])
    found = [run.predict(given) for given in (row, [row], frame, frame.set_index("n"), *same)]
    for name in ("one", "two"):
        path = folder / f"{name}.csv"
        path.write_text("day;code;n\n03/04/2020;1.50;7,5\n" + "05/11/2020;1.50;1,5\n" * (name == "two"), "utf-8")
        found.append(run.predict(str(path))[:1])
    for each in found[1:]:
        torch.testing.assert_close(each, found[0])
    assert not torch.allclose(run.predict({**row, "day": "04/03/2020"}), found[0])


@pytest.mark.parametrize(("day", "said"), [
    ("04/13/2020", "Column 'day' holds '04/13/2020', which is no date in the order dmy"), ("soon", "holds 'soon'")])
def test_new_dates_in_another_order_are_refused(days, day, said):
    run, folder = days
    (folder / "one.csv").write_text(f"day;code;n\n{day};B;1,5\n", "utf-8")
    for given in ({"day": day, "code": "B", "n": "1,5"}, folder / "one.csv"):
        with pytest.raises(DataError, match=said):
            run.predict(given)


@pytest.mark.parametrize("recipe", [True, False])
def test_columns_that_the_model_does_not_take_may_hold_anything(frame, recipe):
    dataset = nbtrain.load_dataset(frame, name="rows")
    run = trained(net(), dataset.process(Scale(columns=["a", "b", "c"]), target="label") if recipe else dataset)
    new = frame.head(3).drop(columns="label")
    expected = run.predict(new)
    strange = {
        "dicts": [{}, {}, {}], "__row__": 1, "complex": [1j, 2j, 3j], "mixed": [1, "a", None], "sets": [{1}, {2}, {3}],
        "huge": [2**200, 1, 2], "nothing": None, "file_row_number": 2, 5: "x"}
    for name, cells in strange.items():
        more = new.assign(x=cells).rename(columns={"x": name})
        torch.testing.assert_close(run.predict(more), expected, msg=str(name))
        torch.testing.assert_close(run.predict(more.to_dict("records")), expected, msg=str(name))
    twice = pd.concat([new.assign(d=1), new.assign(d=1)[["d"]]], axis=1)
    torch.testing.assert_close(run.predict(twice), expected)
    with pytest.raises(DataError, match="There are two columns 'a'; leave one of them out"):
        run.predict(pd.concat([new, new[["a"]]], axis=1))
    for cells in ([1j, 2j, 3j], [1, "a", None], [{}, {1}, 0]):
        with pytest.raises(DataError, match="'a'"):
            run.predict(new.assign(a=pd.Series(cells, dtype=object)))
    with pytest.raises(DataError, match="'A'" if recipe else "'a'"):  # the names there are help
        run.predict(new.rename(columns={"a": "A"}))


def test_what_was_held_out_is_evaluated_on(frame):
    dataset = nbtrain.load_dataset(frame, name="rows")
    made = dataset.split(method="random", target="label")
    run = trained(net(), dataset)
    test = frame.iloc[made.rows("test")]
    inputs, labels = test[["a", "b", "c"]].to_numpy(np.float32), (test["label"] == "up").to_numpy(np.int64)
    assert run.evaluate() == run.evaluate((inputs, labels)) == run.evaluate(dataset.part("test"))
    assert run.evaluate() != run.evaluate(dataset.part("validation"))


def test_images_are_changed_while_training_and_alike_in_every_run(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (4, 4), 40 * number + 20).save(tmp_path / "photos" / name / f"{number}.png")
    plain = nbtrain.load_dataset(tmp_path / "photos", name="photos")
    made = plain.process(AugmentImage(columns=["image"], brightness=0.5), target="label")

    def weights_after(dataset):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
        return weights(trained(model, dataset, batch_size=4).model)

    changed = weights_after(made)
    assert torch.equal(changed, weights_after(made))
    assert not torch.equal(changed, weights_after(made.parent))
    fed = feeding.feed(made)
    assert not np.array_equal(fed.data[0][0], fed.data[0][0])
    assert np.array_equal(fed.validation[0][0], fed.validation[0][0])


class Bag(nn.Module):
    """Mean of the embeddings of all tokens, and two logits."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.unsqueeze(-1).float()
        return self.head((self.embed(input_ids) * mask).sum(1) / mask.sum(1).clamp(min=1))


def test_text_is_tokenised_and_trained_on(tmp_path):
    path = tmp_path / "reviews.tsv"
    lines = [f"{word} film number {i}\t{label}" for i in range(30) for word, label in (("good", "yes"), ("bad", "no"))]
    path.write_text("text\tlabel\n" + "\n".join(lines), "utf-8")
    reviews = nbtrain.load_dataset(path)
    reviews.split(method="stratified", target="label")
    ready = reviews.process({"step": "tokenize", "columns": ["text"], "vocabulary": 200, "max_length": 8})
    run = trained(Bag(1000), ready, epochs=20, batch_size=8, learning_rate=0.05)
    assert run.evaluate()["accuracy"] == 1.0
    logits = run.predict([{"text": "bad film"}, {"text": "good film"}])
    assert logits.argmax(1).tolist() == [0, 1]


def test_a_folder_of_sounds(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    for name, loud in (("loud", 0.9), ("soft", 0.05)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for number in range(6):
            wave = loud * np.sin(np.arange(200) / (3 + number))
            soundfile.write(tmp_path / "sounds" / name / f"{number}.wav", wave.astype(np.float32), 8000)
    model = nn.Sequential(nn.Flatten(), nn.Linear(200, 2))
    run = trained(model, tmp_path / "sounds", batch_size=4)
    assert run._trainer.given.origin["classes"] == ["loud", "soft"]


def test_a_dataset_of_the_datasets_library(frame, straight):
    datasets = pytest.importorskip("datasets")
    model = net()
    trained(model, nbtrain.load_dataset(datasets.Dataset.from_pandas(frame), name="rows"))
    assert torch.equal(weights(model), straight)
