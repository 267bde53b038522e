"""The recipe `token-classification`: a tag for each word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

import nbtrain
from nbtrain import ordering
from nbtrain.core.errors import ConfigError, DataError
from nbtrain.engine.tasks import IGNORED
from nbtrain.recipes.base import Columns

OPTIONS: dict[str, Any] = {
    "recipe": "token-classification", "epochs": 6, "batch_size": 8, "learning_rate": 3e-3, "max_length": 24,
    "vocabulary_size": 600, "device": "cpu", "show": False}


@pytest.fixture
def frame() -> pd.DataFrame:
    """Names have a capital letter; of two, the second is a family's."""
    draw = np.random.default_rng(0)
    first, last = ["Anna", "Boris", "Clara", "Dieter"], ["Ivanova", "Smith", "Novak"]
    words = ["walks", "home", "and", "sees", "unforgettable", "rain"]
    rows, tags = [], []
    for _ in range(160):
        named = draw.random(3) < 0.4
        pairs = [(draw.choice(first), draw.choice(last)) if each else draw.choice(words, 2) for each in named]
        rows.append([str(word) for pair in pairs for word in pair])
        tags.append([tag for each in named for tag in (("B-PER", "I-PER") if each else ("O", "O"))])
    return pd.DataFrame({"tokens": rows, "tags": tags})


def prepared(frame: Any, **given: Any) -> Any:
    made = ordering.ordered("bert-tiny", frame, Columns(**given.pop("columns", {})), {
        key: value for key, value in OPTIONS.items() if key != "show"} | given)
    assert made is not None
    return made.prepared()


def test_words_are_tagged_from_data_to_plain_transformers(frame):
    run = nbtrain.train("bert-tiny", frame, **OPTIONS)
    assert run.wait() == "finished"
    figures = run.evaluate()
    assert figures["span_f1"] > 0.9
    assert run.evaluate() == figures  # it counts anew each time
    answers = run.predict(pd.DataFrame({"tokens": [["Anna", "walks"], ["rain"], ["Boris"] * 40]}))
    assert answers[:2] == [["B-PER", "O"], ["O"]]
    assert len(answers[2]) == 40
    assert answers[2][-1] is None  # it was cut off
    assert run.predict("Anna walks home") == [["B-PER", "O", "O"]]
    made = run.register("names", weights="last", promote=False)
    assert made.version.about.labels == ("O", "B-PER", "I-PER")
    model = transformers.AutoModelForTokenClassification.from_pretrained(made.version.folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.version.folder)
    encoded = tokenizer([["Anna", "walks"]], is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        found = model(**encoded).logits[0].argmax(-1)
    words = encoded.word_ids(0)
    assert [model.config.id2label[int(found[words.index(word)])] for word in (0, 1)] == ["B-PER", "O"]


def test_the_first_piece_of_a_word_has_its_tag_and_the_loss_is_that_of_transformers(frame):
    made = prepared(frame, vocabulary_size=300, validation=0, test=0)
    inputs, target = made.train.take(torch.arange(4), None)
    for row in range(4):
        assert [made.fitted["classes"][number] for number in target[row][target[row] != IGNORED]] == frame.tags[row]
    model = made.model.eval()
    with torch.no_grad():
        output = model(**inputs, labels=target)
    ours = torch.nn.functional.cross_entropy(output.logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED)
    assert torch.allclose(output.loss, ours)
    assert (target[:, 0] == IGNORED).all()
    assert (target == IGNORED).sum() > (inputs["attention_mask"] == 0).sum() + 8  # later pieces, beside both ends


@pytest.mark.parametrize(("change", "said"), [
    (lambda f: f.assign(tags=[f.tags[0][:3], *f.tags[1:]]), r"has not as many tags as there are tokens in row 0"),
    (lambda f: f.assign(tags=[["O"] * 6] * 160), r"is 'O' at every word"),
    (lambda f: f.assign(tokens=[["Anna", ""] + ["x"] * 4, *f.tokens[1:]]), r"has empty words in row 0"),
    (lambda f: f.assign(tokens=[[], *f.tokens[1:]], tags=[[], *f.tags[1:]]), r"has no words in row 0"),
    (lambda f: f.assign(tags=[None, *f.tags[1:]]), r"'tags' of .* is missing in row 0"),
    (lambda f: f.assign(tokens="a text"), r"not a list of words in each row"),
    (lambda f: f.rename(columns={"tags": "other"}), r"say which holds the lists of tags: target="),
])
def test_what_cannot_be_learnt_is_said_before_it_begins(frame, change, said):
    with pytest.raises(DataError, match=said):
        prepared(change(frame))


def test_a_loss_of_amounts_is_refused(frame):
    with pytest.raises(ConfigError, match="loss is 'mae', which is of amounts, and the target 'tags' has 3 classes"):
        nbtrain.train("bert-tiny", frame, **OPTIONS, loss="mae")


def test_a_tag_that_was_not_learnt_is_named(frame):
    run = nbtrain.train("bert-tiny", frame, **OPTIONS | {"epochs": 1})
    run.wait()
    with pytest.raises(DataError, match=r"holds the tag 'B-LOC' in row 0, which is none of those that were learnt"):
        run.evaluate(pd.DataFrame({"tokens": [["Bonn"]], "tags": [["B-LOC"]]}))
