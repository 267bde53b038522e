"""Tokenizers as bytes in a file: taken from the Hub, a folder or an object, trained on rows, and loaded again."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from nbtrain.core.errors import DataError

Algorithm = Literal["bpe", "wordpiece", "unigram"]
#: Pad, unknown, begin, end and mask, as BERT names them, with the ids 0 to 4.
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
#: Bytes of an archive of a tokenizer's folder that are unpacked at most.
LARGEST = 512 * 2**20


def name_of(content: bytes) -> str:
    """The file's name, which says what is in it."""
    ending = "zip" if content.startswith(b"PK") else "json"
    return f"tokenizer-{sha256(content).hexdigest()[:16]}.{ending}"


def of_object(given: Any) -> bytes:
    """A `tokenizers.Tokenizer` or a tokenizer of transformers, as bytes. Raises DataError for anything else."""
    if isinstance(given, tokenizers.Tokenizer):
        return given.to_str().encode()
    backend = getattr(given, "backend_tokenizer", None)
    if isinstance(backend, tokenizers.Tokenizer):
        return backend.to_str().encode()
    if hasattr(given, "save_pretrained") and callable(given):
        with tempfile.TemporaryDirectory() as folder:
            given.save_pretrained(folder)
            return _zipped(Path(folder))
    raise DataError(
        f"The tokenizer is {type(given).__name__}; give a name on the Hugging Face Hub, a folder, a tokenizer of "
        "transformers, or a tokenizers.Tokenizer.")


def of_name(name: str) -> bytes:
    """The tokenizer in a folder or a file ``tokenizer.json``, or of this name on the Hub or in its cache.

    Raises:
        DataError: there is none, or it needs transformers, which is not installed.
    """
    path = Path(name).expanduser()
    file = path / "tokenizer.json" if path.is_dir() else path
    if file.is_file():
        content = file.read_bytes()
        _loaded(content)
        return content
    if not path.is_dir() and (found := _from_hub(name)) is not None:
        return found
    try:
        import transformers  # noqa: PLC0415 - not everyone has it
    except ImportError:
        raise DataError(
            f"The tokenizer {name!r} has no file tokenizer.json, so transformers must be installed to read it: "
            "pip install transformers.") from None
    try:
        return of_object(transformers.AutoTokenizer.from_pretrained(name))
    except (OSError, ValueError) as error:
        raise DataError(f"There is no tokenizer {name!r}: {str(error).splitlines()[0]}") from error


def train(texts: Iterator[str], algorithm: Algorithm, size: int) -> bytes:
    """A tokenizer that learned from `texts`, with at most `size` entries, as bytes.

    BPE works on bytes, so that no character is unknown to it; WordPiece on words as BERT's does; Unigram as
    SentencePiece does. BPE gives the same for the same texts; the trainers of the other two break ties by chance.
    """
    options: dict[str, Any] = {
        "vocab_size": size, "special_tokens": list(SPECIAL), "show_progress": False}
    model: Any
    before: Any
    after: Any
    trainer: Any
    if algorithm == "bpe":
        model, before, after = models.BPE(), pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        trainer = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options)
    elif algorithm == "wordpiece":
        model = models.WordPiece(unk_token="[UNK]")  # noqa: S106 - a token of text
        before, after = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(**options)
    else:
        model, before, after = models.Unigram(), pre_tokenizers.Metaspace(), decoders.Metaspace()
        trainer = trainers.UnigramTrainer(unk_token="[UNK]", **options)  # noqa: S106 - a token of text
    made = tokenizers.Tokenizer(model)
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer, made.decoder = before, after
    made.train_from_iterator(texts, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return made.to_str().encode()


def load(content: bytes) -> Any:
    """A `tokenizers.Tokenizer` that neither cuts nor fills up, or a tokenizer of transformers written in Python.

    Raises:
        DataError: it cannot be read.
    """
    if not content.startswith(b"PK"):
        return _loaded(content)
    import transformers  # noqa: PLC0415 - an archive is only made where it is there

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(each.file_size for each in archive.infolist()) > LARGEST:
            raise DataError("The archive of the tokenizer unpacks to more than 512 MiB; it is not one of ours.")
        archive.extractall(folder)  # zipfile keeps names inside the folder
        return transformers.AutoTokenizer.from_pretrained(folder)


def _loaded(content: bytes) -> tokenizers.Tokenizer:
    try:
        found = tokenizers.Tokenizer.from_buffer(content)
    except Exception as error:  # tokenizers raises Exception itself
        raise DataError(f"The tokenizer cannot be read: {error}.") from error
    found.no_padding()
    found.no_truncation()
    return found


def _from_hub(name: str) -> bytes | None:
    """The file tokenizer.json of a repository, from the cache when it is out of reach; None where there is none."""
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - it takes time to import
    from huggingface_hub.errors import (  # noqa: PLC0415
        EntryNotFoundError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(hf_hub_download(name, "tokenizer.json")).read_bytes()
    except LocalEntryNotFoundError as error:
        raise DataError(
            f"The tokenizer {name!r} is not in the cache of the Hugging Face Hub, and the Hub cannot be reached; "
            "connect to the network, or give a folder.") from error
    except EntryNotFoundError:
        return None
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise DataError(
            f"There is no tokenizer {name!r}: no such folder, and no such repository on the Hugging Face Hub that you "
            "may read.") from error
    except HfHubHTTPError as error:
        raise DataError(f"The tokenizer {name!r} cannot be fetched: {str(error).splitlines()[0]}") from error


def _zipped(folder: Path) -> bytes:
    """An archive that depends on the files alone, not on the time."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, path.read_bytes())
    return held.getvalue()
