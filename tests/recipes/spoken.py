"""Sentences spoken by a machine of a few lines: each letter is a hum with two overtones that are its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

SENTENCES = (
    "a bad cab", "dad had a bag", "salam bar to", "سلام بر تو", "آب دریا", "باد و باران", "мама мыла раму",
    "вода и дом", "a fat cat sat", "тут как тут", "مادر آمد", "a calm day at sea", "мир дому", "رود و دریا",
    "good day to all")


def sound(text: str, rate: int = 8000) -> np.ndarray:
    """60 ms a letter, silence between words."""
    time = np.arange(round(0.06 * rate)) / rate
    parts = []
    for letter in text.lower():
        low, high = 250 + 37 * (ord(letter) * 7 % 17), 1200 + 90 * (ord(letter) * 11 % 23)
        hum = sum(np.sin(2 * np.pi * each * time) / part for part, each in enumerate((120, low, high), start=1))
        parts.append(0.2 * hum * np.hanning(len(time)) * (letter.isalpha()))
    return np.concatenate(parts).astype(np.float32)


def save(folder: Path, texts=SENTENCES, rate: int = 8000) -> Path:
    """A folder of sounds with the table of their texts."""
    folder.mkdir(parents=True)
    for number, text in enumerate(texts):
        soundfile.write(folder / f"{number:02}.wav", sound(text, rate), rate)
    rows = [f'{number:02}.wav,"{text}"' for number, text in enumerate(texts)]
    (folder / "texts.csv").write_text("\n".join(["file_name,text", *rows]) + "\n", encoding="utf-8")
    return folder
