"""Tokenizers of the recipes of texts: the model's own, or one that learns from the training part."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tokenizers
from tokenizers import pre_tokenizers, processors

from nbtrain.core.errors import ModelError
from nbtrain.data.processing import tokenizer_files
from nbtrain.models.loading import quiet

#: A length above this is a tokenizer's way of saying that it knows none.
_NO_LENGTH = 1_000_000
#: Texts that are encoded at once: their encodings take far more memory than their tokens.
_AT_ONCE = 20_000
_SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
            "mask_token": "[MASK]"}
#: Of a language model: one token begins and ends a text.
_END = "[SEP]"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of all texts, one after the other."""

    ids: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int64]
    """Of each text, at least 1."""
    words: npt.NDArray[np.int64] | None
    """Of each token, which word of its text it is a piece of, -1 for none; None where texts are not given as words."""
    cut: int
    """Texts that were longer."""


class Vocabulary:
    """A tokenizer of transformers at work.

    Args:
        tokenizer: of transformers.
        learned: whether it learned from the data of the run, so that nobody else has it.
    """

    def __init__(self, tokenizer: Any, *, learned: bool) -> None:
        self.tokenizer, self.learned = tokenizer, learned
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._fast: tokenizers.Tokenizer | None = None
        if isinstance(backend, tokenizers.Tokenizer):  # one of our own, as cutting is a setting of the object
            self._fast = tokenizer_files.load(backend.to_str().encode())

    @classmethod
    def learn(cls, texts: Iterable[str], size: int, *, for_generating: bool = False) -> Vocabulary:
        """One of bytes and their pairs that learned from `texts`, the same for the same texts."""
        made: tokenizers.Tokenizer = tokenizer_files.load(tokenizer_files.train(iter(texts), "bpe", size))
        if for_generating:  # nothing stands around a text that goes on
            made.post_processor = processors.ByteLevel(trim_offsets=False)
        else:  # a word has the same tokens at the beginning, in the middle, and given by itself
            made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        return cls.of_json(made.to_str(), for_generating=for_generating)

    @classmethod
    def of_json(cls, content: str, *, for_generating: bool = False) -> Vocabulary:
        """One that was learned before, from its `content`."""
        import transformers  # noqa: PLC0415 - slow to load

        named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "bos_token": _END, "eos_token": _END}
        kind: Any = transformers.PreTrainedTokenizerFast
        return cls(kind(
            tokenizer_object=tokenizers.Tokenizer.from_str(content), **(named if for_generating else _SPECIAL)),
            learned=True)

    @classmethod
    def of_folder(cls, folder: Path | str, what: str, *, words: bool = False) -> Vocabulary:
        """That of a model.

        Args:
            folder: of the model's files; or a name in the cache of the Hub.
            what: how the model is called in messages.
            words: whether it is given words rather than texts, which some tokenizers must be told.

        Raises:
            ModelError: there is none that transformers can load.
        """
        import transformers  # noqa: PLC0415 - slow to load

        try:
            with quiet(transformers):
                found = transformers.AutoTokenizer.from_pretrained(
                    folder, local_files_only=True, **({"add_prefix_space": True} if words else {}))
        except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
            raise ModelError(
                f"The model {what} comes without a tokenizer that transformers can load, so texts cannot be made into "
                "its tokens; put its tokenizer's files beside the model, or choose another.") from error
        return cls(found, learned=False)

    @property
    def content(self) -> str:
        """Of one that was learned, as JSON."""
        found: str = self.tokenizer.backend_tokenizer.to_str()
        return found

    @property
    def size(self) -> int:
        """Entries, added ones counted."""
        return len(self.tokenizer)

    @property
    def largest(self) -> int:
        """The highest number of a token."""
        return max(self.tokenizer.get_vocab().values(), default=0)

    @property
    def pad(self) -> int:
        """The number of the token that fills up."""
        found = self.tokenizer.pad_token_id
        return int(self.end if found is None else found)

    @property
    def end(self) -> int:
        """The number of the token that ends a text, where there is one."""
        tokenizer = self.tokenizer
        found = (tokenizer.eos_token_id, tokenizer.sep_token_id, tokenizer.bos_token_id)
        return int(next((number for number in found if number is not None), 0))

    @property
    def longest(self) -> int | None:
        """Tokens that its model is known to take."""
        known = self.tokenizer.model_max_length
        return int(known) if known is not None and 0 < known < _NO_LENGTH else None

    def encode(
        self, texts: Sequence[Any], *, max_length: int | None, special: bool = True, words: bool = False,
        each: int | None = None,
    ) -> Encoded:
        """Texts as tokens.

        Args:
            texts: a text each; or a list of words each, where `words`.
            max_length: tokens, the special ones counted; longer texts are cut at the end. None: whole.
            special: put those around the text that the model knows, such as [CLS] and [SEP].
            words: see `texts`.
            each: a token that stands for a text without one; None takes the one that ends a text.
        """
        parts = [self._part(texts[start:start + _AT_ONCE], max_length, special=special, words=words)
                 for start in range(0, len(texts), _AT_ONCE)]
        rows = [row for part in parts for row in part]
        stands = np.array([self.end if each is None else each], np.int32)
        filled = [ids if len(ids) else stands for ids, _, _ in rows]
        return Encoded(
            np.concatenate(filled) if filled else np.zeros(0, np.int32),
            np.fromiter(map(len, filled), np.int64, len(filled)),
            np.concatenate([pieces if len(pieces) else np.array([-1]) for _, pieces, _ in rows]) if words else None,
            sum(cut for _, _, cut in rows))

    def decode(self, ids: Sequence[int]) -> str:
        """Tokens as a text, special ones left out."""
        found: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return found

    def save(self, folder: Path) -> None:
        """Its files, as transformers loads them from beside a model."""
        self.tokenizer.save_pretrained(folder)

    def _part(
        self, texts: Sequence[Any], max_length: int | None, *, special: bool, words: bool,
    ) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], bool]]:
        """Tokens, the words they are of, and whether it was cut, of each text."""
        if self._fast is None:
            return self._slow(texts, max_length, special=special, words=words)
        fast = self._fast
        encode = fast.encode_batch if words else fast.encode_batch_fast  # which does not tell the words
        fast.no_truncation()
        found = encode(list(texts), is_pretokenized=words, add_special_tokens=special)
        long = [place for place, each in enumerate(found) if max_length is not None and len(each) > max_length]
        if long and max_length is not None:
            around = fast.num_special_tokens_to_add(False) if special else 0
            fast.enable_truncation(max(max_length, around + 1))
            again = encode([texts[place] for place in long], is_pretokenized=words, add_special_tokens=special)
            for place, each in zip(long, again, strict=True):
                found[place] = each
        cut = set(long)
        return [(np.array(each.ids, np.int32), _pieces(each.word_ids) if words else _NONE, place in cut)
                for place, each in enumerate(found)]

    def _slow(
        self, texts: Sequence[Any], max_length: int | None, *, special: bool, words: bool,
    ) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], bool]]:
        """With a tokenizer that is written in Python, which does not tell words: each is encoded by itself."""
        rows = []
        tokenizer = self.tokenizer
        around = tokenizer.num_special_tokens_to_add() if special else 0
        room = None if max_length is None else max(1, max_length - around)
        for text in texts:
            pieces = [tokenizer.encode(word, add_special_tokens=False) for word in (text if words else [text])]
            ids = [number for piece in pieces for number in piece]
            of = [place for place, piece in enumerate(pieces) for _ in piece]
            kept = ids[:room]
            whole = tokenizer.build_inputs_with_special_tokens(kept) if special else kept
            before = next((place for place in range(len(whole)) if whole[place:place + len(kept)] == kept), 0)
            marked = np.full(len(whole), -1, np.int64)
            marked[before:before + len(kept)] = of[:len(kept)]
            rows.append((np.array(whole, np.int32), marked, len(kept) < len(ids)))
        return rows


_NONE = np.zeros(0, np.int64)


def _pieces(of: Sequence[int | None]) -> npt.NDArray[np.int64]:
    return np.array([-1 if word is None else word for word in of], np.int64)


@contextmanager
def files(fitted: Mapping[str, Any]) -> Iterator[dict[str, Path]]:
    """The files of a tokenizer that a run learned, from its `fitted`; none where it has the model's own."""
    content = fitted.get("tokenizer")
    with tempfile.TemporaryDirectory(prefix="nbtrain-tokenizer-") as temporary:
        if content is not None:
            made = Vocabulary.of_json(content, for_generating=bool(fitted.get("generates")))
            made.tokenizer.model_max_length = int(fitted["max_length"])
            made.save(Path(temporary))
        yield {path.name: path for path in sorted(Path(temporary).iterdir())}


def compact(content: str) -> str:
    """The same JSON without blanks, as it is kept with a run."""
    return json.dumps(json.loads(content), ensure_ascii=False, separators=(",", ":"))
