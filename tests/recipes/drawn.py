"""Small images for tests: two dots whose places are known exactly, and shapes in classes, in files of many kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

NAMES = ("left_dot", "right_dot")
#: How bright the dots are, which is how they are told apart.
BRIGHT = (255, 130)


def dots(seed: int, width: int = 48, height: int = 36) -> tuple[Image.Image, np.ndarray[Any, Any]]:
    """A dark image with a bright dot on the left and a dimmer one on the right; their places, (2, 2)."""
    rng = np.random.default_rng(seed)
    places = np.array([
        [rng.uniform(0.15, 0.42) * width, rng.uniform(0.2, 0.8) * height],
        [rng.uniform(0.58, 0.85) * width, rng.uniform(0.2, 0.8) * height]])
    down, right = np.mgrid[0:height, 0:width]
    pixels = rng.uniform(0, 12, (height, width))
    for (x, y), bright in zip(places, BRIGHT, strict=True):
        pixels = np.maximum(pixels, bright * np.exp(-((right - x) ** 2 + (down - y) ** 2) / (2 * 2.0**2)))
    return Image.fromarray(pixels.astype(np.uint8)), places


def folder_of_dots(folder: Path, count: int = 40, *, listed: bool = False, missing: int | None = None) -> Path:
    """A folder of `dots` of several sizes with their table; of row `missing`, the second point is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(count):
        image, places = dots(number, 48 + 8 * (number % 3), 36 + 6 * (number % 2))
        image.save(folder / f"{number:03}.png")
        cells = [f"{each:.4f}" for each in places.ravel()]
        if number == missing:
            cells[2:] = ["", ""]
        if listed:
            pairs = [[float(each) for each in place] for place in places]
            lines.append(f'{{"file_name": "{number:03}.png", "points": {pairs}}}')
        else:
            lines.append(",".join([f"{number:03}.png", *cells]))
    head = [] if listed else [",".join(["file_name", *(f"{name}_{axis}" for name in NAMES for axis in "xy")])]
    (folder / ("points.jsonl" if listed else "points.csv")).write_text("\n".join([*head, *lines]) + "\n")
    return folder


def shape(kind: str, seed: int, size: int = 40) -> Image.Image:
    """A red ring, a green square or a blue cross somewhere on a dim ground."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (size + seed % 3 * 8, size), tuple(rng.integers(0, 60, 3).tolist()))
    draw = ImageDraw.Draw(image)
    x, y, r = rng.uniform(14, size - 14), rng.uniform(14, size - 14), rng.uniform(7, 11)
    light = int(rng.uniform(170, 255))
    if kind == "ring":
        draw.ellipse([x - r, y - r, x + r, y + r], outline=(light, 0, 0), width=3)
    elif kind == "square":
        draw.rectangle([x - r, y - r, x + r, y + r], fill=(0, light, 0))
    else:
        draw.line([x - r, y, x + r, y], fill=(0, 0, light), width=4)
        draw.line([x, y - r, x, y + r], fill=(0, 0, light), width=4)
    return image


def folder_of_shapes(folder: Path, each: int = 14) -> Path:
    """A folder for each class, with files of several sizes and kinds."""
    for place, kind in enumerate(("cross", "ring", "square")):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            image = shape(kind, 100 * place + number)
            if number % 4 == 1:
                image.convert("P").save(folder / kind / f"{number}.png")
            elif number % 4 == 2:
                image.convert("CMYK").save(folder / kind / f"{number}.tif")
            elif number % 4 == 3:
                image.save(folder / kind / f"{number}.jpg", quality=95)
            else:
                image.convert("RGBA").save(folder / kind / f"{number}.png")
    return folder
