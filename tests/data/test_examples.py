from __future__ import annotations

import io
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from nbtrain.core.errors import DataError
from nbtrain.data.columns import Kind
from nbtrain.data.examples import examples
from nbtrain.data.pictures import Files
from nbtrain.data.table import Table


@pytest.fixture
def table(tmp_path):
    def make(media=None, **columns):
        path = tmp_path / "data.parquet"
        pq.write_table(pa.table(columns), path, row_group_size=2)
        return Table.of_parquet(path, name="rows", media=media)
    return make


def test_numbers_become_a_matrix_and_the_label_is_found(table):
    found = examples(table(a=[1, 2, 3], b=[0.5, 1.5, 2.5], yes=[True, False, True], Label=[0, 1, 1]))
    np.testing.assert_array_equal(found.inputs, np.array([[1, 0.5, 1], [2, 1.5, 0], [3, 2.5, 1]], dtype=np.float32))
    assert found.inputs.dtype == np.float32
    assert found.target.tolist() == [0, 1, 1]
    assert found.data[1] is found.target


def test_target_and_features_can_be_named(table):
    rows = table(a=[1, 2], b=[3, 4], c=[0.5, 0.25])
    found = examples(rows, target="c", features=["b"])
    assert (found.inputs.tolist(), found.target.tolist()) == ([[3.0], [4.0]], [0.5, 0.25])
    with pytest.raises(DataError, match="rows has no column 'd'; it has: 'a', 'b', 'c'"):
        examples(rows, target="d")


def test_without_a_target_the_inputs_are_their_own(table):
    found = examples(table(a=[1.0, 2.0]))
    assert found.target is None
    assert found.data is found.inputs


def test_text_classes_are_numbered_in_order(table):
    target = examples(table(a=[1, 2, 3], label=["spam", "ham", "spam"])).target
    assert target.cat.codes.tolist() == [1, 0, 1]
    assert list(target.cat.categories) == ["ham", "spam"]


def test_what_is_not_numbers_is_named_with_what_to_do(table):
    said = r"Column 'city' of rows holds text, not numbers; train by a recipe.*tokenise.*to_number.*features=\['a'\]"
    with pytest.raises(DataError, match=said):
        examples(table(a=[1, 2], city=["x", "y"], label=[0, 1]))


def test_gaps_are_named_with_their_number(table):
    with pytest.raises(DataError, match=r"missing values \('a' in 1, 'b' in 2 of 3 rows\)"):
        examples(table(a=[1, None, 3], b=[float("nan"), None, 1.0], label=[0, 1, 1]))
    with pytest.raises(DataError, match="Column 'label' of rows is missing in 1 of 2 rows"):
        examples(table(a=[1, 2], label=["x", None]))


def test_tokens_are_padded_to_the_longest(table):
    rows = table(input_ids=[[5, 6], [7], []], attention_mask=[[1, 1], [1], []], text=["a b", "c", ""], label=[1, 0, 1])
    found = examples(rows)
    assert {name: array.tolist() for name, array in found.inputs.items()} == {
        "input_ids": [[5, 6], [7, 0], [0, 0]], "attention_mask": [[1, 1], [1, 0], [0, 0]]}
    assert list(examples(rows, features=["input_ids"]).inputs) == ["input_ids", "attention_mask"]


def test_tokens_take_the_memory_that_they_need(table):
    found = examples(table(
        input_ids=[[5, 300], [7], []], token_type_ids=[[0, 1], [0], []], label=[1, 0, 1])).inputs
    assert {name: str(array.dtype) for name, array in found.items()} == {
        "input_ids": "int16", "token_type_ids": "int8", "attention_mask": "int8"}
    high = examples(table(input_ids=[[40_000]], label=[1])).inputs["input_ids"]
    assert (str(high.dtype), high.tolist()) == ("int32", [[40_000]])


@pytest.mark.parametrize("lists", [[[1, None], [2]], [[1.5], [2.0]], [["a"], ["b"]]])
def test_tokens_are_whole_numbers(table, lists):
    with pytest.raises(DataError, match="Column 'input_ids' of rows holds lists of which some are not of whole"):
        examples(table(input_ids=lists, label=[0, 1]))


def test_tokens_that_came_as_floats(table):
    assert examples(table(input_ids=[[1.0], [2.0]], label=[0, 1])).inputs["input_ids"].tolist() == [[1], [2]]


def test_windows_become_one_array(table):
    windows = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]
    found = examples(table(window=windows, label=[0, 1]))
    assert found.inputs.shape == (2, 2, 2)
    assert found.inputs.tolist() == windows
    with pytest.raises(DataError, match=r"lists of different lengths \(2, 1\)"):
        examples(table(window=[[1, 2], [3]], label=[0, 1]))


def test_windows_of_several_columns_are_features_of_each_step(table):
    rows = table(low=[[1.0, 2.0], [3.0, 4.0]], high=[[5.0, 6.0], [7.0, 8.0]], label=[0, 1])
    assert examples(rows).inputs.tolist() == [[[1.0, 5.0], [2.0, 6.0]], [[3.0, 7.0], [4.0, 8.0]]]
    apart = examples(table(short=[[1.0], [3.0]], high=[[5.0, 6.0], [7.0, 8.0]], label=[0, 1])).inputs
    assert {name: array.shape for name, array in apart.items()} == {"short": (2, 1), "high": (2, 2)}


def test_no_rows(table):
    with pytest.raises(DataError, match="rows has no rows"):
        examples(table(a=pa.array([], pa.int64()), label=pa.array([], pa.int64())))


def picture(colour, mode="RGB", size=(4, 3)):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": "a.png"}


def test_images_are_decoded_one_by_one(table):
    rows = table(
        media={"image": Kind.IMAGE}, image=[picture((255, 0, 51)), picture(128, "L"), picture((0, 255, 0))],
        label=["red", "grey", "green"])
    files = examples(rows).data
    assert isinstance(files, Files)
    assert len(files) == 3
    image, label = files[0]
    assert image.shape == (3, 3, 4)
    assert image.dtype == np.float32
    assert image[:, 0, 0].tolist() == pytest.approx([1.0, 0.0, 0.2])
    assert (label, files.classes) == (2, ["green", "grey", "red"])
    assert files[1][0].shape == (3, 3, 4)
    with pytest.raises(IndexError):
        files[3]
    copied = pickle.loads(pickle.dumps(files))  # noqa: S301 - as a worker gets it
    np.testing.assert_array_equal(copied[2][0], files[2][0])


def test_images_of_several_sizes_are_told_with_what_to_do(table):
    rows = table(media={"image": Kind.IMAGE}, image=[picture(1, "L"), picture(1, "L", (5, 5))])
    with pytest.raises(DataError, match=r"2 sizes \(4 × 3 in row 0, 5 × 5 in row 1\).*'step': 'resize_images'"):
        examples(rows)


def test_grey_images_keep_one_channel(table):
    files = examples(table(media={"image": Kind.IMAGE}, image=[picture(51, "L")])).data
    assert files[0].shape == (1, 3, 4)
    assert float(files[0][0, 0, 0]) == pytest.approx(0.2)


def test_broken_and_missing_images(table):
    cut = picture((1, 2, 3))
    for left in (40, 0):  # of the file: its header, or nothing
        broken = {**cut, "bytes": cut["bytes"][:left]}
        rows = table(media={"image": Kind.IMAGE}, image=[picture(51, "L"), broken], label=[0, 1])
        with pytest.raises(DataError, match="Row 1 of 'image' of rows cannot be decoded"):
            examples(rows).data[1]
    with pytest.raises(DataError, match="1 of 2 rows have no file"):
        examples(table(media={"image": Kind.IMAGE}, image=[picture((1, 2, 3)), None], label=[0, 1]))


def test_the_copy_of_the_files_goes_with_them(table):
    files = examples(table(media={"image": Kind.IMAGE}, image=[picture(51, "L")])).data
    path = files._path
    assert path.exists()
    del files
    assert not path.parent.exists()


def test_sounds_are_decoded_one_by_one(table):
    soundfile = pytest.importorskip("soundfile")
    file = io.BytesIO()
    soundfile.write(file, np.full((8, 1), 0.5, dtype=np.float32), 8000, format="WAV", subtype="FLOAT")
    files = examples(table(
        media={"audio": Kind.AUDIO}, audio=[{"bytes": file.getvalue(), "path": "a.wav"}], label=[3])).data
    sound, label = files[0]
    assert (sound.tolist(), label) == ([[0.5] * 8], 3)
