"""A teacher by its name must read rows, and number classes, as the one that learns does; else it is refused at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrain
from nbtrain.core.errors import ModelError
from nbtrain.models import architectures

OPTIONS: dict[str, Any] = {"show": False, "device": "cpu", "epochs": 1, "batch_size": 32}
WORDS = ["good", "bad", "fine", "poor", "bright", "dull", "warm", "cold"]


def table(seed: int, scale: float = 1.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(scale * draw.normal(size=(90, 2)), columns=["petals", "height"])
    frame["kind"] = np.where(frame.petals > frame.height, "rose", "daisy")
    return frame


def texts(words: list[str]) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    said = [" ".join(draw.choice(words, 6)) for _ in range(60)]
    return pd.DataFrame({"text": said, "label": ["yes" if words[0] in one else "no" for one in said]})


def taught(model: str, data: Any, name: str, **options: Any) -> None:
    """Registers what a run learned."""
    run = nbtrain.train(model, data, **OPTIONS, **options)
    run.wait(120)
    run.register(name, promote=False)


TABLE: dict[str, Any] = {"recipe": "tabular", "target": "kind"}
TEXTS: dict[str, Any] = {"recipe": "text-classification", "target": "label"}


def test_a_teacher_that_reads_rows_another_way_is_refused_before_the_start():
    data = nbtrain.load_dataset(table(0), name="flowers")
    taught("tabular-mlp", data, "large", **TABLE)
    run = nbtrain.train("tabular-mlp", data, teacher="large", **TABLE, **OPTIONS)
    assert run.wait(120) == "finished"
    before = len(nbtrain.runs())
    for given, features in ((data, ["height", "petals"]), (table(1, scale=100.0), None)):
        with pytest.raises(ModelError, match="'large' cannot teach here: it learned from other columns"):
            nbtrain.train("tabular-mlp", given, teacher="large", features=features, **TABLE, **OPTIONS)
    assert len(nbtrain.runs()) == before


def test_inputs_that_a_recipe_makes_and_those_that_none_made_are_told_apart():
    data = nbtrain.load_dataset(table(0), name="flowers")
    taught("tabular-mlp", data, "by recipe", **TABLE)
    nbtrain.models.import_(architectures.build("mlp", inputs=2, outputs=2), name="by hand")
    with pytest.raises(ModelError, match=r"'by hand' learned by no recipe, .* learns by the recipe 'tabular'"):
        nbtrain.train("tabular-mlp", data, teacher="by hand", **TABLE, **OPTIONS)
    arrays = (table(0)[["petals", "height"]].to_numpy("float32"), np.arange(90) % 2)
    with pytest.raises(ModelError, match=r"'by recipe' learned by the recipe 'tabular', .* learns by no recipe"):
        nbtrain.train("mlp", arrays, teacher="by recipe", **OPTIONS)
    run = nbtrain.train("mlp", arrays, teacher="by hand", **OPTIONS)
    assert run.wait(120) == "finished"


def test_a_teacher_of_other_tokens_is_refused_where_it_would_have_read_nonsense():
    taught("bert-tiny", texts(WORDS), "reader", **TEXTS)
    run = nbtrain.train("bert-tiny", texts(WORDS), teacher="reader", **TEXTS, **OPTIONS)
    assert run.wait(120) == "finished"
    turned = [word[::-1] for word in WORDS]  # as many, and none longer: no number would be out of range
    with pytest.raises(ModelError, match=r"whose tokens are not those of the training part here"):
        nbtrain.train("bert-tiny", texts(turned), teacher="reader", **TEXTS, **OPTIONS)
