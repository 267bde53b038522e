"""Radiographs of hands, drawn: bones with bright rims on soft tissue, bent and turned by chance, noisy and blurred.

They are like what points are marked on, and every point is known exactly. No two hands are alike: lengths, breadths,
how the fingers are spread, how it lies, the light, a marker or a ring that covers something.
"""

from __future__ import annotations

import io
import math
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

FINGERS = ("thumb", "index", "middle", "ring", "little")
JOINTS = ("base", "knuckle", "middle", "tip")
#: The points of a hand: the joints of each finger, and the middle of the wrist.
NAMES = (*(f"{finger}_{joint}" for finger in FINGERS for joint in JOINTS), "wrist")
#: Drawn so many times as large, so that edges lie between pixels.
_FINE = 2


class Hand(NamedTuple):
    """One drawn image."""

    png: bytes
    points: npt.NDArray[np.float64]
    """(landmarks, 2), (x, y) in pixels from the centre of the upper left pixel."""


def hand(seed: int, size: int = 256, *, hard: float = 1.0) -> Hand:
    """One hand of `size` × `size` pixels; `hard` is how much noise, blur and covering there is."""
    rng = np.random.default_rng(seed)
    scale = size / 256
    bones = _bones(rng)
    turn = _turned(rng)
    points = (bones.reshape(-1, 2) @ turn.T + [128 + rng.uniform(-12, 12), 150 + rng.uniform(-12, 12)]) * scale
    fine = points * _FINE
    canvas = Image.new("L", (size * _FINE, size * _FINE), int(rng.uniform(8, 30)))
    _draw(canvas, fine, rng, scale * _FINE)
    wrist = fine[:5].mean(0)
    small = canvas.resize((size, size), Image.Resampling.BOX)
    return Hand(_spoilt(small, rng, hard, scale), np.vstack([points[5:], [wrist / _FINE]]) - 0.5)


def save(folder: Path, count: int, first: int = 0, size: int = 256, *, hard: float = 1.0) -> Path:
    """A folder of `count` hands with the table of their points, as `nbtrain.load_dataset` reads one."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "points.csv").open("w", encoding="utf-8") as table:
        table.write(",".join(["file_name", *(f"{name}_{axis}" for name in NAMES for axis in "xy")]) + "\n")
        for number in range(first, first + count):
            drawn = hand(number, size, hard=hard)
            (folder / f"{number:05}.png").write_bytes(drawn.png)
            table.write(",".join([f"{number:05}.png", *(f"{each:.3f}" for each in drawn.points.ravel())]) + "\n")
    return folder


def _bones(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Joints of an upright hand about its middle: five of the wrist, then four of each finger."""
    spread = rng.uniform(0.8, 1.3)
    lengths = np.array([[30, 26, 20], [36, 24, 18], [38, 27, 19], [36, 25, 18], [32, 20, 15]]) * rng.uniform(0.88, 1.12)
    wrist, fingers = [], []
    for finger in range(5):
        angle = math.radians((finger - 2) * 15 * spread + (-26 if finger == 0 else 0) + rng.normal(0, 3))
        at = np.array([(finger - 2) * 9.0, 34.0])
        wrist.append(at)
        at = at + (24 if finger == 0 else 46) * np.array([math.sin(angle * 0.75), -math.cos(angle * 0.75)])
        joints = [at]
        for length in lengths[finger] * rng.uniform(0.94, 1.06, 3):
            angle += math.radians(rng.normal(0, 7))
            at = at + length * np.array([math.sin(angle), -math.cos(angle)])
            joints.append(at)
        fingers.append(joints)
    return np.concatenate([np.array(wrist), np.array(fingers).reshape(-1, 2)])


def _turned(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    angle, size = math.radians(rng.normal(0, 12)), rng.uniform(0.88, 1.08)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return size * turn @ np.diag([rng.uniform(0.95, 1.05), 1.0])


def _draw(canvas: Image.Image, fine: npt.NDArray[np.float64], rng: np.random.Generator, scale: float) -> None:
    draw = ImageDraw.Draw(canvas)
    chains = [np.vstack([fine[finger], fine[5 + 4 * finger:9 + 4 * finger]]) for finger in range(5)]
    flesh, bone = int(rng.uniform(50, 80)), rng.uniform(120, 165)
    broad = rng.uniform(11, 14) * scale
    for chain in chains:
        _line(draw, chain, 2 * broad, flesh)
    draw.polygon([tuple(each) for chain in (chains[0][:2], chains[4][1::-1]) for each in chain], fill=flesh)
    for finger, chain in enumerate(chains):
        for start, end in pairwise(chain):
            thick = (0.5 if finger else 0.58) * broad * rng.uniform(0.9, 1.1)
            _bone(draw, start, end, thick, bone * rng.uniform(0.9, 1.1))


def _bone(
    draw: ImageDraw.ImageDraw, start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], thick: float, light: float,
) -> None:
    """A shaft with two heads, brighter at its rim, and short of the joints, where there is a gap."""
    along = (end - start) / max(1e-6, float(np.hypot(*(end - start))))
    first, last = start + along * thick * 0.55, end - along * thick * 0.55
    for grow, value in ((1.0, min(255, light * 1.35)), (0.68, light)):
        _line(draw, np.array([first, last]), thick * 1.25 * grow, int(value))
        for head in (first, last):
            _disc(draw, head, thick * 0.8 * grow, int(value))


def _line(draw: ImageDraw.ImageDraw, chain: npt.NDArray[np.float64], thick: float, value: int) -> None:
    draw.line([tuple(each) for each in chain], fill=value, width=max(1, round(thick)), joint="curve")
    for each in chain:
        _disc(draw, each, thick / 2, value)


def _disc(draw: ImageDraw.ImageDraw, at: npt.NDArray[np.float64], radius: float, value: int) -> None:
    draw.ellipse([at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius], fill=value)


def _spoilt(image: Image.Image, rng: np.random.Generator, hard: float, scale: float) -> bytes:
    """Covered in places, blurred, unevenly lit and noisy, as radiographs are."""
    size = image.width
    draw = ImageDraw.Draw(image)
    for _ in range(rng.poisson(1.2 * hard)):
        left, top = rng.uniform(0, size, 2)
        wide, high = rng.uniform(6, 26, 2) * scale
        draw.rectangle([left, top, left + wide, top + high], fill=int(rng.choice([rng.uniform(0, 40), 235])))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.4) * hard * scale))
    pixels = np.asarray(image, np.float64)
    down, right = np.mgrid[0:size, 0:size] / size - 0.5
    lit = pixels * (1 + 0.3 * hard * (rng.normal() * down + rng.normal() * right)) * rng.uniform(0.75, 1.2)
    noisy = lit + rng.normal(0, rng.uniform(4, 14) * hard, pixels.shape)
    held = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(held, "PNG")
    return held.getvalue()
