"""The recipe `text-classification`, from a data frame to predictions of raw texts."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import torch
import transformers

import nbtrain
from nbtrain import ordering
from nbtrain.core.errors import ConfigError, DataError, ModelError, ModelNotFoundError
from nbtrain.data.keeping.library import Library
from nbtrain.hub import here
from nbtrain.hub.local import LocalHub
from nbtrain.launcher import asked
from nbtrain.recipes import adapters
from nbtrain.recipes.base import Columns
from nbtrain.recipes.text_classification import TextClassification
from tests.halves import stopped
from tests.test_resuming import in_another_kernel

NAME = "nbtrain/tiny-bert"
WORDS = {"good": ["good", "fine", "lovely", "great"], "bad": ["bad", "awful", "poor", "dull"]}
OPTIONS: dict[str, Any] = {
    "recipe": "text-classification", "epochs": 3, "batch_size": 8, "learning_rate": 3e-3, "max_length": 16,
    "vocabulary_size": 300, "device": "cpu", "show": False}


@pytest.fixture
def frame() -> pd.DataFrame:
    """The class follows from one word."""
    rows = [(f"it is {word} {noun} number {number}", label)
            for label, words in WORDS.items() for word in words for number, noun in enumerate(
                ["film", "book", "play", "song", "trip", "meal", "game", "show"])]
    return pd.DataFrame(rows, columns=["text", "label"])


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with LocalHub() as server, server.used(tmp_path / "cache"):
        server.add_transformers(NAME, words=["good", "bad", "film", "it", "is"], labels=("bad", "good"), seed=1)
        yield server


def prepared(frame: Any, model: Any = "bert-tiny", **given: Any) -> Any:
    columns = Columns(**{name: given.pop(name) for name in ("target", "text") if name in given})
    options = {key: value for key, value in OPTIONS.items() if key != "show"} | given
    made = ordering.ordered(model, frame, columns, options)
    assert made is not None
    return made.prepared()


def test_texts_are_learnt_predicted_registered_and_loaded_by_plain_transformers(frame):
    run = nbtrain.train("bert-tiny", frame, **OPTIONS | {"epochs": 6})
    assert run.wait() == "finished"
    assert run.evaluate()["accuracy"] > 0.8
    asked = ["it is lovely film number 3", "an awful book", ""]
    answers = run.predict(asked)
    assert list(answers["prediction"][:2]) == ["good", "bad"]
    assert list(answers.columns) == ["prediction", "probability", "p(bad)", "p(good)"]
    assert run.evaluate(frame.head(10))["accuracy"] > 0.8
    assert run.history.last("tokens_per_second")
    made = run.register("reviews", weights="last", promote=False)
    assert (made.version.about.labels, made.version.about.task) == (("bad", "good"), "text-classification")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(made.version.folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.version.folder)
    with torch.no_grad():
        found = model(**tokenizer(asked, padding=True, truncation=True, return_tensors="pt")).logits.softmax(1)
    assert torch.allclose(found.double(), torch.tensor(answers[["p(bad)", "p(good)"]].to_numpy()), atol=1e-5)
    again = prepared(frame, "reviews")  # goes on with it, with its own tokenizer and classes
    assert again.model_origin["from"] == "registry"
    assert again.fitted["tokenizer"] is None
    assert torch.equal(again.model.classifier.weight, model.classifier.weight)


def test_another_kernel_goes_on_to_the_same_bits(frame):
    whole = nbtrain.train("bert-tiny", frame, **OPTIONS | {"epochs": 2})
    whole.wait()
    half = stopped(nbtrain.train, "bert-tiny", frame, after=1, **OPTIONS | {"epochs": 2})
    code = """
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        print(json.dumps({"resumed": run.resumed, "loss": run.history["loss"].values.tolist(),
                          "sum": sum(p.double().sum().item() for p in run.model.parameters())}))
    """
    found = in_another_kernel(code, run_id=half.id)
    assert found["resumed"] == {"exact": True, "reasons": []}
    assert found["loss"] == whole.history["loss"].values.tolist()
    assert found["sum"] == sum(p.double().sum().item() for p in whole.model.parameters())


def test_a_model_of_the_hub_keeps_its_classes_or_gets_a_head_for_others(hub, frame):
    kept = prepared(frame, f"hub:{NAME}")
    assert kept.fitted["classes"] == ["bad", "good"]
    assert not kept.notes
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(folder_of(kept.model_origin))
    assert torch.equal(kept.model.classifier.weight, plain.classifier.weight)
    other = prepared(frame.assign(label=frame.label.map({"good": "yes", "bad": "no"})), NAME)  # also without hub:
    assert other.model.config.id2label == {0: "no", 1: "yes"}
    assert "was made for other classes (bad, good), so it has a new head for no, yes" in other.notes[0]
    assert not torch.equal(other.model.classifier.weight, plain.classifier.weight)


def folder_of(origin):
    found = here.model(origin["repository"], origin["commit"])
    assert found is not None
    return found.folder


def test_a_module_of_the_users_is_trained_as_it_is(frame):
    def module(labels):
        config = transformers.BertConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=300,
            max_position_embeddings=16)
        config.num_labels = labels
        return transformers.BertForSequenceClassification(config)

    made = prepared(frame, module(2))
    assert made.model.config.id2label == {0: "bad", 1: "good"}
    assert made.model_origin is None
    with pytest.raises(ModelError, match=r"has 3 outputs, and the data has 2 classes \(bad, good\); build it with"):
        prepared(frame, module(3))
    with pytest.raises(ModelError, match="The tokenizer does not fit the model: it has tokens up to number"):
        prepared(frame, transformers.BertForSequenceClassification(transformers.BertConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=200)))
    with pytest.raises(DataError, match=r"have up to \d+ tokens, but BertForSequenceClassification takes 16 at most"):
        prepared(frame.assign(text=frame.text * 4), module(2), max_length=64)


def test_lora_trains_adapters_and_the_head_alone_and_registers_them_merged(frame):
    pytest.importorskip("peft")
    before = prepared(frame).model.state_dict()
    run = nbtrain.train("bert-tiny", frame, lora_rank=4, lora_alpha=8, gradient_checkpointing=True, **OPTIONS)
    assert run.wait() == "finished"
    changed = {name for name, value in run.model.state_dict().items()
               if not torch.equal(value, before.get(name.replace(".base_layer", ""), torch.zeros(())))}
    assert changed
    assert all("lora_" in name or name.startswith("classifier") for name in changed)
    asked = frame.text[:5].tolist()
    answers = run.predict(asked)
    made = run.register("adapted", weights="last", promote=False)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(made.version.folder).eval()
    assert not adapters.has(model)
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.version.folder)
    with torch.no_grad():
        found = model(**tokenizer(asked, padding=True, return_tensors="pt")).logits.softmax(1)
    assert torch.allclose(found.double(), torch.tensor(answers[["p(bad)", "p(good)"]].to_numpy()), atol=1e-5)


def test_lora_goes_on_in_another_kernel_to_the_same_bits(frame):
    pytest.importorskip("peft")
    options = OPTIONS | {"epochs": 2, "lora_rank": 2, "gradient_checkpointing": True}
    whole = nbtrain.train("bert-tiny", frame, **options)
    whole.wait()
    half = stopped(nbtrain.train, "bert-tiny", frame, after=1, **options)
    found = in_another_kernel("""
        run = nbtrain.resume(run_id, show=False)
        run.wait()
        print(json.dumps({"resumed": run.resumed, "loss": run.history["loss"].values.tolist()}))
    """, run_id=half.id)
    assert found == {"resumed": {"exact": True, "reasons": []}, "loss": whole.history["loss"].values.tolist()}


def test_classes_can_count_alike_and_layers_stay_or_learn_slower(frame):
    made = prepared(frame.head(40), class_weights="balanced", frozen_layers=1, layer_decay=0.5, validation=0, test=0)
    assert made.loss.weights == pytest.approx((40 / (2 * 8), 40 / (2 * 32)))
    below = {name for name, _ in made.model.named_parameters() if "embeddings" in name}
    assert below
    assert below < made.frozen
    assert made.rates("bert.encoder.layer.1.output.dense.weight") == 0.5


def test_it_is_chosen_where_nothing_else_can_be_meant(frame):
    suits = TextClassification().suits
    library = Library()
    table = library.table(library.add(frame).dataset.id)
    assert suits("bert-tiny", table, Columns())
    assert not suits("mlp", table, Columns())
    assert not suits(None, table, Columns())
    options = {key: value for key, value in OPTIONS.items() if key != "recipe"}
    run = nbtrain.train("bert-tiny", frame, **options | {"epochs": 1})
    run.wait()
    assert run.config["recipe"] == "text-classification"


def test_a_model_that_begins_anew_learns_by_a_rate_of_its_own(frame):
    options = {name: value for name, value in (OPTIONS | {"epochs": 12}).items() if name != "learning_rate"}
    run = nbtrain.train("bert-tiny", frame, target="label", **options)
    run.wait()
    assert run.config["learning_rate"] == 1e-3
    assert "so it learns by learning_rate 0.001; 5e-05 is for models that have learnt already" in " ".join(run.warnings)
    assert run.evaluate()["accuracy"] > 0.9


def test_a_rate_that_was_asked_for_stays(frame):
    usual = {name: value for name, value in OPTIONS.items() if name not in {"learning_rate", "show"}}
    for given in ({"learning_rate": 5e-5}, {"optimization": {"learning_rate": 5e-5}}):
        made = ordering.ordered("bert-tiny", frame, Columns(), usual | given)
        assert made is not None
        assert made.prepared().config is None


def test_a_form_asks_for_what_was_changed_in_it():
    form = nbtrain.TrainConfig.for_recipe("text-classification").flat()
    assert set(asked(form)) == {"recipe", "optimization_level"}
    assert set(asked(form | {"learning_rate": 1e-4})) == {"recipe", "optimization_level", "learning_rate"}
    assert asked(form | {"recipe": "auto"}) == form | {"recipe": "auto"}


def test_notes_tell_what_was_cut_left_out_and_begins_anew(frame):
    frame.loc[[3, 7], "text"] = ["", None]
    frame.loc[5, "text"] = "long " * 50
    notes = prepared(frame, learning_rate=1e-4, validation=0, test=0).notes
    assert notes[0] == "Column 'text' is empty in 2 rows (3, 7), not learnt from."
    assert notes[1].startswith("bert-tiny begins with random weights, from which learning_rate 0.0001 learns very slow")
    assert notes[2].startswith("1 of 62 texts are longer than max_length=16 tokens")


@pytest.mark.parametrize(("change", "options", "said"), [
    (lambda f: f.assign(label=f.label.where(f.index != 9)), {}, r"is missing in row 9"),
    (lambda f: f.assign(label="same"), {}, r"is 'same' in all of its 64 rows"),
    (lambda f: f.assign(label=f.label.where(f.index != 9, "rare")), {}, r"a class of one row \('rare', in row 9\)"),
    (lambda f: f.drop(columns="label"), {}, r"say which is to be learnt: target="),
    (lambda f: f, {"target": "lable"}, r"'lable'.*label"),
    (lambda f: f.assign(text=f.text.where(f.index > 40, "")), {"validation": 0, "test": 0},
     r"holds no text in 41 rows \(0, 1, 2, 3, 4, …\), more than half"),
    (lambda f: f.assign(other=f.text).rename(columns={"text": "one"}), {}, r"columns of texts \('one', 'other'"),
    (lambda f: f.assign(text=f.index), {}, r"has no column of texts"),
    (lambda f: f.assign(number=1), {"text": "number"}, r"'number' of .* holds BIGINT, not texts"),
    (lambda f: f.assign(label=f.index / 7), {}, r"fractions"),
])
def test_what_cannot_be_learnt_is_said_before_it_begins(frame, change, options, said):
    with pytest.raises(DataError, match=said):
        prepared(change(frame), **options)


def test_a_model_that_is_not_there_is_named(frame):
    with pytest.raises(ModelNotFoundError, match=r"'bert-tny'.*bert-tiny"):
        prepared(frame, "bert-tny")
    with pytest.raises(ConfigError, match="has 2 layers"):
        prepared(frame, frozen_layers=9)


@pytest.mark.parametrize(("loss", "said"), [
    ("mse", "loss is 'mse', which is of amounts, and the target 'label' has 2 classes"),
    ("bce", "loss is 'bce', which is of models with one output, and the target 'label' has 2 classes"),
])
def test_a_loss_that_does_not_go_with_classes_is_told(frame, loss, said):
    with pytest.raises(ConfigError, match=said):
        nbtrain.train("bert-tiny", frame, **OPTIONS, loss=loss)


def test_a_tokenizer_that_is_too_large_for_the_model_is_named(hub, frame, tmp_path):
    model = transformers.BertForSequenceClassification(transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=6))
    model.save_pretrained(tmp_path / "small")
    for path in folder_of(prepared(frame, f"hub:{NAME}").model_origin).iterdir():
        if path.name.startswith(("tokenizer", "vocab")):
            (tmp_path / "small" / path.name).write_bytes(path.read_bytes())
    nbtrain.models.import_(tmp_path / "small", name="small")
    with pytest.raises(ModelError, match=r"The tokenizer does not fit the model: .*, and small knows 6"):
        prepared(frame, "small")


def test_the_head_learns_whole_beside_adapters_of_any_model():
    """DistilBERT is none that peft knows the layers of, so every linear layer below the head gets an adapter."""
    pytest.importorskip("peft")
    import transformers  # noqa: PLC0415 - few tests need it

    from nbtrain.recipes import adapters  # noqa: PLC0415

    module = transformers.DistilBertForSequenceClassification(transformers.DistilBertConfig(
        vocab_size=50, dim=16, hidden_dim=32, n_layers=2, n_heads=2, max_position_embeddings=16))
    adapters.add(module, rank=2, alpha=4.0, head=True, seed=0)
    learning = {name for name, p in module.named_parameters() if p.requires_grad}
    assert {"classifier.weight", "classifier.bias", "pre_classifier.weight", "pre_classifier.bias"} <= learning
    assert all("lora_" in name for name in learning if not name.startswith(("classifier", "pre_classifier")))
