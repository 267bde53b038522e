"""What a run that was fed from a dataset must not do in silence: other rows, other classes, other axes."""

from __future__ import annotations

import io
import shutil
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

import nbtrain
from nbtrain import feeding, training
from nbtrain.core.errors import DataError, DatasetNotFoundError, TrainingError
from nbtrain.data.splits.splitting import part_of


def net(inputs=2, outputs=2):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs))


def trained(model, data, **options):
    run = nbtrain.train(model, data, show=False, **{"epochs": 2, **options})
    assert run.wait() == "finished"
    return run


@pytest.fixture
def rows():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"a": draw.normal(size=60), "n": draw.integers(0, 9, 60)})
    return frame.assign(label=np.where(frame["a"] > 0, "up", "down"))


def test_a_dataset_that_is_split_anew_is_not_tested_on_what_was_learnt(rows):
    dataset = nbtrain.load_dataset(rows, name="rows")
    unsplit = trained(net(), dataset)
    dataset.split(method="random", target="label")
    assert unsplit.evaluate()  # on what the run itself had held out
    run = trained(net(), dataset)
    first = run.evaluate()
    train = dataset.part("train")
    before = train.rows()
    dataset.split(method="random", target="label", seed=5, train=0.5, validation=0.25, test=0.25)
    assert train.rows() == before  # a part in hand stays what it was
    with pytest.raises(DataError, match="split anew since the run began"):
        run.evaluate()
    dataset.split(method="random", target="label")
    assert run.evaluate() == first


def test_a_run_is_not_resumed_on_other_rows(rows):
    dataset = nbtrain.load_dataset(rows, name="rows")
    dataset.split(method="random", target="label")
    run = nbtrain.train(net(), dataset, show=False, epochs=500)
    run.stop()
    run.wait()
    run_id = run.id
    del run
    training._known.clear()  # as in another kernel
    dataset.split(method="random", target="label", seed=5)
    with pytest.raises(DataError, match="split anew since the run began"):
        nbtrain.resume(run_id, model=net(), show=False)
    dataset.split(method="random", target="label")
    again = nbtrain.resume(run_id, model=net(), data=dataset, show=False)  # handed in as it was at the start
    again.stop()
    assert again.resumed == {"exact": True, "reasons": []}


def test_windows_are_cut_and_what_lies_ahead_is_learnt():
    series = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=80), "close": np.arange(80.0)})
    prices = nbtrain.load_dataset(series, name="prices")
    prices.split(method="time", time="day")
    ready = prices.process({"step": "windows", "time": "day", "window": 4, "horizon": 1}, target="close")
    fed = feeding.feed(ready)
    inputs, target = fed.data
    windows = inputs["close"] if isinstance(inputs, dict) else inputs
    np.testing.assert_array_equal(windows.reshape(len(windows), -1)[:, -1] + 1, np.asarray(target).ravel())
    run = trained(net(4, 1), ready, features=["close"])
    assert run.history["loss"].values.size


def test_steps_leave_a_target_alone_that_nobody_named():
    rows = pd.DataFrame({"a": np.arange(40.0), "label": [0, 1] * 20})
    ready = nbtrain.load_dataset(rows, name="rows").process({"step": "scale"})
    assert set(ready.frame()["label"]) == {0, 1}
    other = nbtrain.load_dataset(rows.rename(columns={"label": "y"}).assign(price=range(40)), name="other")
    scaled = other.process({"step": "scale"}, target="price")
    origin = feeding.feed(scaled).origin
    assert origin is not None
    assert origin["target"] == "price"


def test_rows_to_predict_need_no_label_and_rows_to_evaluate_do(rows):
    run = trained(net(), nbtrain.load_dataset(rows, name="rows"))
    expected = run.predict(rows.drop(columns="label"))
    for labels in (None, "sideways"):
        torch.testing.assert_close(run.predict(rows.assign(label=labels)), expected)
    with pytest.raises(DataError, match="no column 'label'"):
        run.evaluate(rows.drop(columns="label"))
    with pytest.raises(DataError, match="'sideways', which is none of the classes to learn"):
        run.evaluate(rows.assign(label="sideways"))


def test_a_column_that_looks_like_a_target_is_a_feature_where_another_was_learnt():
    rows = pd.DataFrame({"y": np.arange(40.0), "price": np.arange(40.0)})
    run = trained(net(1, 1), nbtrain.load_dataset(rows, name="rows"), target="price")
    assert run.predict(rows[["y"]]).shape == (40, 1)


def test_numbers_with_a_fraction_where_there_were_whole_ones(rows):
    ready = nbtrain.load_dataset(rows, name="rows").process({"step": "scale"})
    run = trained(net(), ready)
    low, middle, high = (run.predict([{"a": 0.0, "n": n}]) for n in (5, 5.5, 6))
    torch.testing.assert_close(middle, (low + high) / 2)


def test_a_long_text_is_no_path():
    assert not feeding.says_where("w" * 400)
    with pytest.raises(DataError):
        feeding.feed("w" * 400)


def test_a_file_to_predict_is_not_kept(rows, tmp_path):
    run = trained(net(), nbtrain.load_dataset(rows, name="rows"))
    rows.to_csv(tmp_path / "new.csv", index=False)
    torch.testing.assert_close(run.predict(tmp_path / "new.csv"), run.predict(rows))
    assert [dataset.name for dataset in nbtrain.datasets()] == ["rows"]


def test_a_mask_of_the_table_is_kept():
    rows = {"input_ids": [[5, 6, 0, 0], [7, 0, 0, 0]], "attention_mask": [[1, 1, 0, 0], [1, 0, 0, 0]],
            "token_type_ids": [[0, 1, 0, 0], [0, 0, 0, 0]], "label": [0, 1]}
    inputs, _ = feeding.feed(nbtrain.load_dataset(rows, name="rows")).data
    assert {name: array.tolist() for name, array in inputs.items()} == {
        name: rows[name] for name in ("input_ids", "attention_mask", "token_type_ids")}


def test_leaving_out_other_rows_makes_another_dataset(rows):
    dataset = nbtrain.load_dataset(rows, name="rows")
    made = dataset.split(method="random", target="label")
    first, second = made.rows("train")[:2]
    counts = []
    for row in (first, second):
        made.leaving_out([row]).save(dataset.folder)
        ready = dataset.process({"step": "scale"})
        counts.append((ready.id, ready.split().parts[row]))
    assert counts[0][0] != counts[1][0]
    assert [part for _, part in counts] == [3, 3]


# -- images ----------------------------------------------------------------------------------------------


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": "a.png"}


@pytest.fixture
def photos(tmp_path):
    """Eight colour photos of 6 × 8 in two classes, no two pixels alike."""
    draw = np.random.default_rng(0)
    for number in range(8):
        folder = tmp_path / "photos" / ("dark" if number % 2 else "light")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 255, (6, 8, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return nbtrain.load_dataset(tmp_path / "photos", name="photos")


def test_a_flip_turns_an_image_left_to_right(photos):
    flipped = photos.process({"step": "augment_image", "horizontal_flip": 1.0})
    plain, changed = feeding.feed(photos).data, feeding.feed(flipped).data
    np.testing.assert_allclose(changed[0][0], plain[0][0][:, :, ::-1], atol=1e-6)


def test_what_is_held_out_is_not_augmented(photos):
    made = photos.process({"step": "augment_image", "brightness": 0.9, "horizontal_flip": 0.0})
    files = feeding.feed(made).data
    assert not np.array_equal(files[0][0], files[0][0])
    held_out = files.plain()
    np.testing.assert_array_equal(held_out[0][0], held_out[0][0])
    made.split(train=0.75, validation=0.0, test=0.25, method="random")
    run = trained(net(3 * 6 * 8), made, batch_size=2, validation=0.3)
    assert run.evaluate() == run.evaluate()


def test_new_images_are_predicted_as_they_come(photos, tmp_path):
    ready = photos.process({"step": "resize_images", "width": 4, "height": 4})
    run = trained(net(3 * 4 * 4), ready, batch_size=4)
    from_folder = run.predict(tmp_path / "photos")
    assert from_folder.shape == (8, 2)
    grey = png(np.full((9, 9), 128, np.uint8))  # a run that learnt colours gives it three channels
    assert run.predict([{"image": grey}]).shape == (1, 2)
    assert trained(net(3 * 6 * 8), photos, batch_size=4).predict(
        [{"image": png(np.full((6, 8), 128, np.uint8))}]).shape == (1, 2)


# -- what goes away while a run reads it -------------------------------------------------------------------


class Doing(nn.Module):
    """Two logits; does something at one of the steps."""

    def __init__(self, inputs, at=0, then=None):
        super().__init__()
        self.head, self.left, self.then = net(inputs), at, then

    def forward(self, given):
        if self.training:
            self.left -= 1
            if self.left == 0:
                self.then()
        return self.head(given)


GONE = "was deleted; %nbtrain data undo brings it back"


def test_a_run_goes_on_when_its_dataset_is_deleted_and_what_asks_for_it_is_told(photos):
    photos.split(method="random", target="label", train=0.5, validation=0.25, test=0.25)
    table, tests = photos.table, part_of(photos.table, photos.split(), "test")
    run = trained(Doing(3 * 6 * 8, 2, photos.delete), photos, batch_size=2)
    for ask in (run.evaluate, lambda: run.evaluate(table), lambda: run.evaluate(tests), lambda: run.evaluate(photos)):
        with pytest.raises(DatasetNotFoundError, match=GONE):
            ask()
    assert run.fork(epochs=3, model=Doing(3 * 6 * 8)).wait() == "finished"
    photos.restore()
    assert run.evaluate() == run.evaluate(tests)


def test_a_dataset_whose_folder_was_removed_is_not_called_split_anew(rows):
    dataset = nbtrain.load_dataset(rows, name="rows")
    dataset.split(method="random", target="label")
    run = trained(net(), dataset)
    shutil.rmtree(dataset.folder)
    with pytest.raises(DataError, match="The file of the dataset 'rows' is missing"):
        run.evaluate()


def test_a_run_whose_dataset_was_deleted_is_resumed_when_it_is_back(photos):
    run = nbtrain.train(Doing(3 * 6 * 8), photos, show=False, epochs=500, batch_size=2)
    run.stop()
    run_id = run.id
    photos.delete()
    nbtrain.resume(run_id, show=False).stop()  # here it has its copy
    del run
    training._known.clear()  # as in another kernel
    with pytest.raises(DatasetNotFoundError, match=GONE):
        nbtrain.resume(run_id, model=Doing(3 * 6 * 8), show=False)
    photos.restore()
    again = nbtrain.resume(run_id, model=Doing(3 * 6 * 8), show=False)
    again.stop()
    assert again.resumed == {"exact": True, "reasons": []}


def test_a_copy_that_was_tidied_away_is_one_sentence_and_the_run_goes_on_with_another(photos):
    held = threading.Event()
    here: list[nbtrain.Run] = []

    def tidy():
        held.wait(60)
        shutil.rmtree(here[0]._trainer.given.data._folder)

    # A worker opens the copy for itself, and a new one begins with each epoch.
    here.append(nbtrain.train(
        Doing(3 * 6 * 8, 2, tidy), photos, show=False, epochs=3, batch_size=2, num_workers=1, persistent_workers=False,
        validation=0.0))
    held.set()
    one_sentence = r"^The run failed at step \d+: The copy of 'image' of photos .* is gone or damaged .*data=…\)\.$"
    with pytest.raises(TrainingError, match=one_sentence):
        here[0].wait()
    again = nbtrain.resume(here[0].id, data=photos, show=False)
    assert again.wait() == "finished"
