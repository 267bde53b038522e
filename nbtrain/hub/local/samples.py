"""Tiny models of `transformers`, made on this machine from a config: random weights, the same each time.

They are real: they load with plain `transformers`, run in milliseconds, and take some hundred kilobytes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nbtrain.hub.local.cards import CARDS, WORDS
from nbtrain.hub.local.repositories import Repository

if TYPE_CHECKING:
    from nbtrain.hub.local.server import LocalHub

#: What the Hub calls what each architecture does.
TASKS = {
    "BertForSequenceClassification": "text-classification", "GPT2LMHeadModel": "text-generation",
    "ViTForImageClassification": "image-classification", "BertModel": "feature-extraction"}
_OWN = ("labels", "words", "card", "shards", "pickle", "seed", "config")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
#: Code of a repository's own, and what would show that it ran.
_CODE = '''
"""A model that only its own code can build."""
import os
import torch
from transformers import PretrainedConfig, PreTrainedModel

os.environ["NBTRAIN_REMOTE_CODE_RAN"] = "1"


class OwnConfig(PretrainedConfig):
    model_type = "own"

    def __init__(self, width=8, **rest):
        self.width = width
        super().__init__(**rest)


class OwnModel(PreTrainedModel):
    config_class = OwnConfig

    def __init__(self, config):
        super().__init__(config)
        self.layer = torch.nn.Linear(config.width, config.width)
        self.post_init()

    def forward(self, inputs):
        return self.layer(inputs)
'''


def add(hub: LocalHub, name: str, architecture: str = "BertForSequenceClassification", **given: Any) -> Repository:
    """Add a tiny model. What `files` does not take are facts of the repository."""
    own = {key: given.pop(key) for key in _OWN if key in given}
    return hub.add(name, files(architecture, **own), **given)


def files(
    architecture: str, *, labels: Sequence[str] = ("negative", "positive"), words: Sequence[str] = (), card: str = "",
    shards: int = 1, pickle: bool = False, seed: int = 0, config: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """The files of a tiny model, by name.

    Args:
        architecture: one of `TASKS`.
        labels: of a classifier.
        words: what the tokenizer of a text model knows.
        card: the README.
        shards: into how many files the weights go.
        pickle: the weights as ``pytorch_model.bin``, as models were kept before safetensors.
        seed: of the weights.
        config: what is not to be as it is here.
    """
    import torch  # noqa: PLC0415 - whoever only serves files does not need it
    import transformers  # noqa: PLC0415

    text = architecture != "ViTForImageClassification"
    tokenizer = _tokenizer(words or WORDS["en"]) if text else None
    made = _config(architecture, labels, len(tokenizer) if tokenizer else 0, config or {})
    with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory(prefix="nbtrain-samples-") as temporary:
        torch.manual_seed(seed)
        model = getattr(transformers, architecture)(made).eval()
        size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
        with _without_bars(transformers):
            model.save_pretrained(temporary, max_shard_size=size if shards == 1 else size // shards + size // 8)
        if tokenizer is not None:
            tokenizer.save_pretrained(temporary)
        else:
            Path(temporary, "preprocessor_config.json").write_text(_images(made.image_size), encoding="utf-8")
        if pickle:
            torch.save(model.state_dict(), Path(temporary, "pytorch_model.bin"))
            Path(temporary, "model.safetensors").unlink()
        found = {path.name: path.read_bytes() for path in sorted(Path(temporary).iterdir())}
    return {**found, "README.md": card.encode()} if card else found


@contextmanager
def _without_bars(transformers: Any) -> Iterator[None]:
    """It draws a bar for a thing of milliseconds."""
    logging = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def add_all(hub: LocalHub) -> None:
    """Models of every kind that the model browser has to do with."""
    week = timedelta(days=7)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    add(hub, "nbtrain/tiny-bert-reviews", card=CARDS["en"], downloads=48_210, likes=312, trending=40,
        created=now - 9 * week)
    add(hub, "nbtrain/tiny-bert-nazar", card=CARDS["fa"], words=WORDS["fa"], labels=("منفی", "مثبت"), seed=1,
        downloads=8_400, likes=95, trending=55, created=now - 4 * week)
    add(hub, "nbtrain/tiny-bert-otzyvy", card=CARDS["ru"], words=WORDS["ru"], labels=("отрицательный", "положительный"),
        seed=2, downloads=6_100, likes=71, trending=20, created=now - 6 * week)
    add(hub, "nbtrain/tiny-gpt2", "GPT2LMHeadModel", card=CARDS["gpt"], downloads=91_000, likes=540, trending=61,
        created=now - 30 * week)
    add(hub, "nbtrain/tiny-vit-shapes", "ViTForImageClassification", labels=("circle", "square", "triangle"),
        card=CARDS["vit"], downloads=12_700, likes=88, trending=12, created=now - 2 * week)
    add(hub, "nbtrain/tiny-bert-two-files", shards=2, card=CARDS["shards"], downloads=900, likes=4, created=now - week)
    add(hub, "old-lab/tiny-bert-pickle", pickle=True, card=CARDS["pickle"], downloads=2_300, likes=9,
        created=now - 90 * week)
    hub.add("own-lab/needs-its-code", own_code(), downloads=410, likes=15, trending=5, created=now - 3 * week)
    add(hub, "careful-lab/gated-bert", card=CARDS["gated"], gated="manual", downloads=5_000, likes=130, trending=33,
        created=now - 12 * week)
    add(hub, "local/private-bert", card=CARDS["en"], private=True, seed=3, created=now)


def own_code() -> dict[str, bytes]:
    """A model whose config names code of its own repository."""
    import torch  # noqa: PLC0415
    from safetensors.torch import save  # noqa: PLC0415

    generator = torch.Generator().manual_seed(4)
    weights = {"layer.weight": torch.randn(8, 8, generator=generator), "layer.bias": torch.zeros(8)}
    config = {
        "architectures": ["OwnModel"], "model_type": "own", "width": 8, "dtype": "float32",
        "auto_map": {"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"}}
    return {
        "config.json": json.dumps(config, indent=2).encode(), "modeling_own.py": _CODE.encode(),
        "model.safetensors": save(weights, {"format": "pt"}), "README.md": CARDS["code"].encode()}


def add_plain(hub: LocalHub, count: int = 300) -> None:
    """Listings without files, so that there is something to page through and to filter."""
    tasks = ("text-classification", "text-generation", "image-classification", "token-classification")
    libraries, languages, licences = ("transformers", "timm", "onnx"), ("en", "fa", "ru", "de"), ("mit", "apache-2.0")
    begin = datetime(2023, 1, 1, tzinfo=UTC)
    for number in range(count):
        hub.add(
            f"many/model-{number:04}", downloads=(number * 7919) % 10_007, likes=(number * 31) % 499,
            trending=(number * 17) % 97 / 10, created=begin + timedelta(hours=(number * 1013) % 20_011),
            task=tasks[number % 4], library=libraries[number % 3], parameters=10**6 * (1 + (number * 37) % 9_000),
            card={"language": [languages[number % 4]], "license": licences[number % 2]})


def _config(architecture: str, labels: Sequence[str], vocabulary: int, changed: Mapping[str, Any]) -> Any:
    import transformers  # noqa: PLC0415

    named = {"id2label": dict(enumerate(labels)), "label2id": {label: number for number, label in enumerate(labels)}}
    ids = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    if architecture == "GPT2LMHeadModel":
        sizes = {"vocab_size": vocabulary, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, **ids, **changed}
        return transformers.GPT2Config(architectures=[architecture], **sizes)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    if architecture == "ViTForImageClassification":
        sizes = {**shape, "image_size": 32, "patch_size": 8, "num_channels": 3, **named, **changed}
        return transformers.ViTConfig(architectures=[architecture], **sizes)
    sizes = {**shape, "vocab_size": vocabulary, "max_position_embeddings": 64, "pad_token_id": 0, **named, **changed}
    return transformers.BertConfig(architectures=[architecture], **sizes)


def _tokenizer(words: Sequence[str]) -> Any:
    """WordPiece over these words and their letters, so that nothing of their alphabet is unknown."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    letters = sorted({letter for word in words for letter in word})
    pieces = list(dict.fromkeys([*_SPECIAL, *words, *letters, *(f"##{letter}" for letter in letters)]))
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 - a token of text
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])])
    return cast(Any, PreTrainedTokenizerFast)(
        tokenizer_object=tokenizer, model_max_length=64, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]", mask_token="[MASK]")  # noqa: S106


def _images(size: int) -> str:
    return json.dumps({
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "size": {"height": size, "width": size},
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2}, indent=2)
