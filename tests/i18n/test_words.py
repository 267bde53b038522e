"""The catalogues themselves: complete, alike, in their language, and used."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path

import pytest

import nbtrain
from nbtrain import i18n
from nbtrain.commandline.flags import option_flags
from nbtrain.config import PRESETS, fields
from nbtrain.engine.metric_names import KNOWN
from nbtrain.i18n.languages import LANGUAGES
from tests.i18n.usage import used_keys

PACKAGE = Path(nbtrain.__file__).parent
BOOKS = {code: json.loads((PACKAGE / "i18n" / f"{code}.json").read_text("utf-8")) for code in LANGUAGES}
FORMS = ("one", "few", "many", "other")
#: Names that stay Latin in Persian and Russian: of methods, formats, programs and makers, and what is typed.
NAMES = {
    "accuracy", "Adafactor", "Adam", "AdamW", "anywidget", "AP", "Apple", "Arrow", "CSV", "JSON", "JSONL", "Parquet",
    "TSV", "TXT", "auto", "bf16", "careful", "dmy", "mdy", "ymd",
    "checkpointing", "Colab", "CPU", "cpu", "cuda", "decay", "dropout", "EMA", "F1", "fast", "focal", "fp16",
    "gamma", "GiB", "GPU", "GPUs", "gradient", "Hub", "KiB", "LAMB", "loss", "macro", "memory", "MiB", "momentum",
    "mps", "N", "NaN", "nbtrain", "NVIDIA", "nvidia-smi", "pinned", "precision", "R", "recall", "RMSprop", "ROC",
    "seed", "SGD", "small_gpu", "T4", "T_0", "T_mult", "TiB", "V100", "val_accuracy", "val_loss", "val_macro_f1",
    "weight", "Xy",
    "Escape", "export", "Face", "from_pretrained", "HF_TOKEN", "Hugging", "ONNX", "pickle", "Python", "PyTorch",
    "safetensors", "state_dict", "torch", "TorchScript", "transformers", "zip",
    "compile", "KL", "LoRA", "mel",
    "BPE", "HTML", "NFC", "NFKC", "Unigram", "WordPiece",
    *(option.name for option in option_flags()),
    *(choice for option in option_flags() for choice in option.choices),
}
#: Placeholders, flags, calls and numbers.
TYPED = re.compile(r"\{\w+\}|--[\w-]+( ID)?|nbtrain\.\w+\([^)]*\)|\d+e-\d+")
TRANSLATED = [code for code in LANGUAGES if code != "en"]


def base(key):
    """The key without its plural form, where it has one."""
    stem, _, form = key.rpartition(".")
    return stem if form in FORMS and f"{stem}.other" in BOOKS["en"] else key


PLURALS = {base(key) for key in BOOKS["en"] if base(key) != key}


def placeholders(words):
    return set(re.findall(r"\{\w+\}", words))


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_language_has_the_same_keys(code):
    assert {base(key) for key in BOOKS[code]} == {base(key) for key in BOOKS["en"]}


@pytest.mark.parametrize("code", LANGUAGES)
def test_plurals_have_exactly_the_forms_of_their_language(code):
    for stem in PLURALS:
        found = {form for form in FORMS if f"{stem}.{form}" in BOOKS[code]}
        assert found == set(LANGUAGES[code].forms), stem


@pytest.mark.parametrize("code", TRANSLATED)
def test_words_take_the_same_arguments(code):
    for key, words in BOOKS[code].items():
        english = BOOKS["en"].get(key) or BOOKS["en"][f"{base(key)}.other"]
        assert placeholders(words) == placeholders(english), key


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_english_is_left(code):
    for key, words in BOOKS[code].items():
        if key.startswith("language."):
            continue
        latin = re.findall(r"[A-Za-z]\w*(?:-\w+)*", TYPED.sub(" ", words), re.ASCII)
        assert not {word for word in latin if word not in NAMES and word.lower() not in NAMES}, f"{key}: {words}"


@pytest.mark.parametrize("code", LANGUAGES)
def test_words_are_plain(code):
    for key, words in BOOKS[code].items():
        assert words == words.strip() != "", key
        assert "!" not in words, key
        assert "  " not in words, key


def test_persian_is_written_the_persian_way():
    for key, words in BOOKS["fa"].items():
        assert not re.search("[يكة٠-٩]", words), f"{key}: Arabic letters or digits"
        assert not re.search(r"[,;?](\s|$)", TYPED.sub("", words)), f"{key}: Latin punctuation"
        assert not re.search(r"(?<!\S)ن?می (?=\S)", words), f"{key}: می is joined by a ZWNJ"
        assert not re.search(r"\S (ها|های|هایی|هایش|تر|ترین)(?!\w)", words), f"{key}: suffix is joined by a ZWNJ"
        assert not re.search("\u200c(\\s|$|[\u200c.،؛:])|\\s\u200c", words), f"{key}: a ZWNJ that joins nothing"


def test_a_range_in_persian_is_said_and_not_drawn():
    """A dash between two numbers would swap them in a right-to-left line."""
    for key, words in BOOKS["fa"].items():
        assert not re.search(r"[\d۰-۹]\s*[–-]\s*[\d۰-۹]", re.sub(r"\de-\d", "", words)), key


def test_names_of_the_languages_are_their_own():
    for book in BOOKS.values():
        names = {key.removeprefix("language."): words for key, words in book.items() if key.startswith("language.")}
        assert names == i18n.languages()


def test_the_schema_has_its_words():
    wanted = set(chain.from_iterable(
        [
            *(f"option.{field['name']}.{part}" for part in ("label", "help", "small", "medium", "large")),
            f"group.{field['group']}",
            *([f"unit.{field['unit']}"] if field["unit"] else []),
            *(f"choice.{field['name']}.{choice}" for choice in field["choices"] or ()),
        ] for field in fields()))
    wanted |= set(chain.from_iterable((f"preset.{name}", f"preset.{name}.help") for name in PRESETS))
    of_schema = {key for key in BOOKS["en"] if key.split(".")[0] in {"option", "group", "unit", "choice", "preset"}}
    assert wanted == of_schema


def test_every_metric_that_has_a_name_has_its_words():
    for book in BOOKS.values():
        named = {key.removeprefix("charts.metric.") for key in book if key.startswith("charts.metric.")}
        assert named >= KNOWN.keys()


def test_numbers_of_the_presets_in_their_words_are_true():
    for name, options in PRESETS.items():
        for code in LANGUAGES:
            said = BOOKS[code][f"preset.{name}.help"]
            for option in ("epochs", "batch_size", "learning_rate", "gradient_accumulation_steps"):
                if option in options:
                    shown = f"{options[option]:g}" if options[option] >= 1 else _scientific(options[option])
                    assert re.search(rf"(?<!\d){re.escape(shown)}(?!\d)", said) or (name, option) in LEFT_OUT, (
                        f"{code} {name}: {option} {shown}")


LEFT_OUT = {("small_gpu", "epochs")}  # ten, as without the preset


def _scientific(value):
    mantissa, exponent = f"{value:e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def test_every_key_is_used_and_every_used_key_is_there():
    literal, patterns = used_keys(PACKAGE, PACKAGE.parent / "frontend" / "src")
    known = {base(key) for key in BOOKS["en"]} | set(BOOKS["en"])
    assert not {key for key in literal if key not in known}, "asked for, and in no catalogue"
    for pattern in patterns:
        assert any(pattern.match(key) for key in known), f"{pattern.pattern} matches no key"
    unused = {
        key for key in BOOKS["en"]
        if key not in literal and base(key) not in literal and not any(pattern.match(key) for pattern in patterns)
    }
    assert not unused, "in the catalogues, and asked for nowhere"
