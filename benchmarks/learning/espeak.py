"""Sentences spoken by espeak-ng, a text-to-speech engine by rules: Persian, Russian and English.

It comes with ``pip install 'nbtrain[tts]'`` (espeakng-loader, GPL-3). What it speaks is made anew where it is needed,
and no part of nbtrain.
"""

from __future__ import annotations

import csv
import ctypes
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 22_050
#: By the name of espeak's voice. Proverbs, and sentences made up for this.
SENTENCES: dict[str, list[str]] = json.loads(Path(__file__).with_name("sentences.json").read_text(encoding="utf-8"))
_WORDS_A_MINUTE = 165
_SYNCHRONOUS, _POSITION_OF_CHARACTERS, _UTF8 = 2, 1, 1
_Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def _engine() -> Any:
    try:
        loader = import_module("espeakng_loader")
    except ImportError:
        sys.exit("The sentences are spoken by espeak-ng; install it with: pip install 'nbtrain[tts]'.")
    library = ctypes.CDLL(str(loader.get_library_path()))
    if library.espeak_Initialize(_SYNCHRONOUS, 0, str(loader.get_data_path()).encode(), 0) != RATE:
        sys.exit(f"espeak-ng does not speak at {RATE:,} Hz.")
    return library


def speak(library: Any, text: str, voice: str, words_a_minute: int) -> npt.NDArray[np.float32]:
    """One sentence as samples in −1–1."""
    heard: list[npt.NDArray[np.int16]] = []

    def hear(samples: Any, count: int, _: Any) -> int:
        if samples and count > 0:
            heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    called = _Heard(hear)  # must live as long as it may be called
    library.espeak_SetSynthCallback(called)
    if library.espeak_SetVoiceByName(voice.encode()):
        sys.exit(f"espeak-ng has no voice {voice!r}.")
    library.espeak_SetParameter(1, words_a_minute, 0)
    spoken = text.encode() + b"\0"
    library.espeak_Synth(spoken, len(spoken), 0, _POSITION_OF_CHARACTERS, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return (np.concatenate(heard) / 2**15).astype(np.float32)


def save(folder: Path) -> Path:
    """A folder of all sentences as FLAC with the table of their texts, as `nbtrain.load_dataset` reads one."""
    library = _engine()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "text", "voice"])
        spoken = ((voice, text) for voice, texts in SENTENCES.items() for text in texts)
        for number, (voice, text) in enumerate(spoken):
            soundfile.write(folder / f"{number:03}.flac", speak(library, text, voice, _WORDS_A_MINUTE), RATE)
            table.writerow([f"{number:03}.flac", text, voice])
    return folder
