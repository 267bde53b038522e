from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from nbtrain.data.looking import thumbnails
from nbtrain.data.looking.thumbnails import sound_kind, thumbnail


def encoded(image, kind="PNG", **options):
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def damaged(content, at, value):
    return content[:at] + bytes([value]) + content[at + 1:]


def decoded(made):
    return Image.open(io.BytesIO(made.content))


@pytest.mark.parametrize(("kind", "edge", "mime"), [("PNG", 48, "image/png"), ("JPEG", 400, "image/webp")])
def test_an_image_fits_into_the_edge_and_tells_its_own_size(kind, edge, mime):
    made = thumbnail(encoded(Image.new("RGB", (900, 300), (200, 30, 30)), kind), edge)
    assert (made.mime, made.width, made.height, made.problem) == (mime, 900, 300, "")
    assert decoded(made).size == (edge, edge // 3)
    assert decoded(made).format == mime.removeprefix("image/").upper()


def test_a_small_image_is_not_made_larger():
    assert decoded(thumbnail(encoded(Image.new("L", (8, 6), 90)), 48)).size == (8, 6)


def test_a_picture_taken_sideways_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    made = thumbnail(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif), 48)
    assert decoded(made).size == (20, 40)


def test_what_is_clear_stays_clear():
    pixel = decoded(thumbnail(encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0))), 48)).getpixel((0, 0))
    assert isinstance(pixel, tuple)
    assert pixel[3] == 0


def test_sixteen_bits_are_spread_from_darkest_to_lightest():
    deep = np.linspace(1000, 40_000, 16).astype("uint16").reshape(4, 4)
    made = np.asarray(decoded(thumbnail(encoded(Image.fromarray(deep)), 48)).convert("L"))
    assert (int(made.min()), int(made.max())) == (0, 255)


@pytest.mark.parametrize("content", [
    b"", b"junk", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    encoded(Image.new("RGB", (50, 50)))[:60], damaged(encoded(Image.new("RGB", (9, 7)), "TIFF"), 72, 2),
])
def test_what_is_no_image_is_a_sentence(content):
    made = thumbnail(content, 48)
    assert made.content == b""
    assert made.problem.startswith("This cell holds no image")


def test_a_bomb_is_not_decoded(monkeypatch):
    monkeypatch.setattr(thumbnails, "MOST_PIXELS", 1000)
    made = thumbnail(encoded(Image.new("1", (100, 100))), 48)
    assert made.content == b""
    assert "100 × 100 pixels" in made.problem


@pytest.mark.parametrize(("head", "kind"), [
    (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"), (b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"),
    (b"ID3\x04", "audio/mpeg"), (b"\xff\xfb\x90", "audio/mpeg"), (b"\xff\xf1\x50", "audio/aac"),
    (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"), (b"<html>", ""), (b"", ""), (b"RIFF\x00\x00\x00\x00AVI ", ""),
])
def test_a_sound_is_known_by_its_first_bytes(head, kind):
    assert sound_kind(head) == kind
