from __future__ import annotations

import io

import pyarrow as pa
import pytest
from PIL import Image

import nbtrain
from nbtrain.core.errors import ConfigError, DataError
from nbtrain.data.processing import Recipe, ResizeImages, Step


def encoded(image, form="PNG", **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return {"bytes": file.getvalue(), "path": "a.png"}


def wide():
    """8 × 4: the left half red, the right half blue."""
    image = Image.new("RGB", (8, 4), (255, 0, 0))
    image.paste((0, 0, 255), (4, 0, 8, 4))
    return image


def resized(file, **options):
    step = ResizeImages(**{"width": 4, "height": 4, **options})
    batch = pa.RecordBatch.from_pydict({"image": [file], "other": [{"a": 1}], "label": ["x"]})
    found = step.apply(batch)
    assert found.schema == batch.schema
    assert found.column("other").to_pylist() == [{"a": 1}]
    [made] = found.column("image").to_pylist()
    return Image.open(io.BytesIO(made["bytes"]))


def test_other_proportions_are_stretched_cut_or_padded():
    stretched, cut, padded = (resized(encoded(wide()), shape=shape) for shape in ("stretch", "crop", "pad"))
    assert stretched.size == cut.size == padded.size == (4, 4)
    assert stretched.getpixel((0, 0))[0] > 200
    assert stretched.getpixel((3, 3))[2] > 200
    assert cut.getpixel((0, 2)) == (255, 0, 0)
    assert padded.getpixel((2, 0)) == (0, 0, 0)
    assert padded.getpixel((0, 2))[0] > 200


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_every_mode_of_a_png(mode):
    image = Image.new("L", (6, 6), 200).convert("P") if mode == "P" else Image.new(mode, (6, 6))
    assert resized(encoded(image)).size == (4, 4)


def test_cmyk_becomes_rgb_and_a_turned_photo_upright():
    assert resized(encoded(Image.new("CMYK", (6, 6)), "JPEG")).mode == "RGB"
    exif = Image.Exif()
    exif[0x0112] = 6  # held to the right
    upright = resized(encoded(wide(), "JPEG", exif=exif, quality=100), shape="stretch", width=2, height=4)
    assert upright.getpixel((0, 0))[0] > 150  # red has come to the top
    assert upright.getpixel((0, 3))[2] > 150


def test_missing_images_stay_and_broken_ones_are_named():
    step = ResizeImages(width=4, height=4)
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = pa.RecordBatch.from_arrays(
        [pa.array([None, {"bytes": None, "path": "b.png"}], kind)], names=["image"])
    assert step.apply(rows).column("image").to_pylist() == [None, {"bytes": None, "path": "b.png"}]
    broken = pa.RecordBatch.from_arrays([pa.array([{"bytes": b"no", "path": "c.png"}], kind)], names=["image"])
    with pytest.raises(DataError, match=r"The image 'c.png' in column 'image' cannot be decoded"):
        step.apply(broken)


def test_only_files_are_taken():
    rows = pa.RecordBatch.from_pydict({"other": [{"a": 1}]})
    with pytest.raises(DataError, match="works on images; column 'other' holds struct"):
        ResizeImages(columns=["other"]).apply(rows)
    with pytest.raises(DataError, match="finds no column to work on"):
        Recipe([ResizeImages()]).fit(rows)
    with pytest.raises(ConfigError, match="width"):
        ResizeImages(width=0)


def test_written_down_and_read_back():
    step = ResizeImages(width=10, shape="pad")
    assert Step.from_json(step.to_json()) == step


def test_a_folder_of_images_in_many_sizes_is_trained_on(tmp_path):
    for name, shade in (("dark", 20), ("light", 230)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (8 + number, 9), (shade,) * 3).save(tmp_path / "photos" / name / f"{number}.png")
    photos = nbtrain.load_dataset(tmp_path / "photos")
    ready = photos.process({"step": "resize_images", "width": 6, "height": 5})
    from nbtrain.feeding import feed  # noqa: PLC0415 - torch is not needed by the others

    image, label = feed(ready).data[0]
    assert image.shape == (3, 5, 6)
    assert label in {0, 1}
    with pytest.raises(DataError, match="resize_images"):
        feed(photos)
