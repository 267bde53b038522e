"""What a saved notebook shows of models when its kernel is gone."""

from __future__ import annotations

from nbtrain.core.model_views import MetricView, ModelRow
from nbtrain.widgets import model_twin
from nbtrain.widgets.data_twin import DATASETS, MOST

from .test_twin import HOSTILE, Reader


def rows(count, name="net"):
    return [
        ModelRow(
            id=str(place), name=f"{name} {place}", architecture="mlp", format="architecture", task="", category="",
            tags=[], parameters=1234, bytes=4096, created=0.0, updated=0.0, versions=1, stage="production",
            metric=MetricView(name="val_accuracy", value=0.96875), source="file", source_args={})
        for place in range(count)]


def test_models_are_a_list_with_stage_figure_and_size():
    page = Reader(model_twin.models(rows(1), 1, "en"))
    said = [text for text in page.texts if text.strip()]
    assert said == [
        "Models", "Name", "Architecture", "Stage", "Metric", "Parameters", "Size", "net 0", "mlp", "Production",
        "val_accuracy 0.9688", "1,234", "4 KiB", "A static copy. Run the cell again for the live panel."]
    assert model_twin.models_line(rows(2)) == "net 0, net 1"


def test_many_models_are_cut_and_counted():
    drawn = model_twin.models(rows(DATASETS, "<" * 200), 10_000, "en")
    assert len(drawn.encode()) <= MOST
    assert "Models not shown: 9,9" in drawn


def test_names_are_text_and_none_is_said():
    page = Reader(model_twin.models(rows(1, HOSTILE), 1, "fa"))
    assert any(text.startswith(HOSTILE[:20]) for text in page.texts)
    assert not {"script", "img"} & set(page.tags)
    assert "No models yet" in model_twin.models([], 0, "en")
    assert model_twin.models_line([]) == "No models yet"
