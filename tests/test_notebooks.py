"""The notebooks that are shipped run from top to bottom, and what they show is right."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def executed(name: str, folder: Path) -> nbformat.NotebookNode:
    """A notebook, executed in a folder and a workspace of its own. A cell that raises ends it here."""
    shutil.copytree(NOTEBOOKS / "data", folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBTRAIN_HOME", str(folder / "workspace"))
        notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
        done: nbformat.NotebookNode = client.execute()
    return done


def once(name: str) -> Any:
    """A fixture: the notebook, executed once for all tests that look at it."""
    @pytest.fixture(scope="module")
    def notebook(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
        return executed(f"{name}.ipynb", tmp_path_factory.mktemp(name))

    return notebook


quickstart = once("01_quickstart")
data = once("02_data")
models = once("03_models")
texts = once("04_text")
series = once("05_timeseries")
landmarks = once("06_landmarks")
speech = once("07_speech")
own_loop = once("08_own_loop")


def outputs(notebook: nbformat.NotebookNode, source: str) -> list[dict[str, Any]]:
    """What the one code cell shows that has `source` in it."""
    [cell] = [cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source]
    return list(cell.outputs)


def text(notebook: nbformat.NotebookNode, source: str) -> str:
    """The plain text of that cell's outputs."""
    return "\n".join(
        output["text"] if output["output_type"] == "stream" else output.get("data", {}).get("text/plain", "")
        for output in outputs(notebook, source))


@pytest.mark.parametrize("name", ["quickstart", "data", "models", "own_loop", "texts", "series", "landmarks", "speech"])
def test_nothing_is_complained_of(name, request):
    notebook = request.getfixturevalue(name)
    said = [output["text"] for cell in notebook.cells for output in cell.get("outputs", ())
            if output.get("name") == "stderr"]
    assert said == []


def test_the_model_has_learnt(quickstart):
    figures = eval(text(quickstart, "run.evaluate()"))  # noqa: S307 - a dict that the notebook shows
    assert figures["accuracy"] >= 0.9
    predicted, truth = (re.findall(r"\d", line) for line in text(quickstart, 'print("truth').splitlines())
    assert len(predicted) == len(truth) == 8
    assert sum(map(str.__eq__, predicted, truth)) >= 7


def test_the_panel_and_its_static_twin_are_shown(quickstart):
    kinds = [set(output.get("data", ())) for output in outputs(quickstart, "run = nbtrain.train(")]
    assert any("application/vnd.jupyter.widget-view+json" in kind for kind in kinds)
    [twin] = [output for output in outputs(quickstart, "run = nbtrain.train(")
              if "nbt-static" in output.get("data", {}).get("text/html", "")]
    assert "Finished" in twin["data"]["text/html"]
    assert "Running" not in twin["data"]["text/html"]


def test_the_run_goes_on_after_pause_edit_and_resume(quickstart):
    assert re.fullmatch(r"<Run .* 'digits': running, step \d+/9600.*>", text(quickstart, "run.set(learning_rate"))


def test_the_second_run_resumed_exactly(quickstart):
    resumed = eval(text(quickstart, "second.resumed"))  # noqa: S307 - a dict that the notebook shows
    assert resumed == {"exact": True, "reasons": []}


def test_all_runs_are_listed_with_their_state(quickstart):
    rows = text(quickstart, "nbtrain.runs()")
    assert re.search(r"digits  .*finished", rows)
    assert re.search(r"digits, longer .*stopped", rows)
    assert re.search(r"digits, gentler .*stopped", rows)


def test_the_file_is_shown_and_imported(data):
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", ())
               for output in outputs(data, 'nbtrain.DatasetPreview("tumours.csv")'))
    assert re.match(r"Dataset 'tumours' .*: 569 rows, 31 columns", text(data, 'load_dataset("tumours.csv"'))
    assert "mean radius" in text(data, "profile = data.profile(")


def test_each_part_has_its_share(data):
    parts = eval(text(data, "split = data.split("))  # noqa: S307 - a dict that the notebook shows
    assert sum(parts.values()) == 569
    assert 0.7 < parts["training"] / 569 < 0.8


def test_what_was_spoilt_is_found_and_what_is_clean_is_not_suspected(data):
    assert "0 findings" in text(data, "%nbtrain data quality tumours")
    found = text(data, "%nbtrain data quality spoilt")
    assert "code is diagnosis under another name" in found
    assert "25 (" in found


def test_persian_lines_are_cleaned(data):
    after = text(data, "clean = lines.process(")
    for line in ("کتاب خوبی بود", "عالی بود & ارزان", "قیمت ۱۲۰۰ تومان"):
        assert line in after


def test_the_model_learnt_from_the_training_part_and_takes_new_rows(data):
    figures = eval(text(data, "run.evaluate()"))  # noqa: S307 - a dict that the notebook shows
    assert figures["accuracy"] >= 0.9
    predicted, truth = eval(text(data, "new = frame.head(5)"))  # noqa: S307 - as above
    assert sum(map(str.__eq__, predicted, truth)) >= 4


def test_a_model_is_found_and_fetched_though_the_connection_breaks(models):
    found = text(models, "%nbtrain models search bert").splitlines()
    assert found[1].startswith("nbtrain/tiny-bert-reviews ")
    fits = eval(text(models, "facts = nbtrain.models.details("))  # noqa: S307 - a dict that the notebook shows
    assert (fits["inference"], fits["training"]) == ("fits", "fits")
    assert eval(text(models, "version = nbtrain.models.download("))[1] == ("negative", "positive")  # noqa: S307 - as above
    guesses = eval(text(models, 'predict("reviews"'))  # noqa: S307 - as above
    assert sum(guess["probability"] for guess in guesses) == pytest.approx(1)


def test_what_was_trained_is_promoted_and_stays_in_production(models):
    assert re.search(r"version 1, stage production\. It was promoted to production: val_accuracy", text(
        models, "kept = run.register("))
    assert text(models, "models move digits staging").splitlines()[-1] == "1"
    said, truth = eval(text(models, "said = nbtrain.models.predict("))  # noqa: S307 - as above
    assert said[0]["label"] == str(truth)


def test_the_exported_model_gives_the_same_answers(models):
    difference, files = eval(text(models, "nbtrain.models.export("))  # noqa: S307 - as above
    assert difference <= 1e-4
    assert files == ["digits.nbtrain.json", "digits.onnx"]
    assert float(text(models, "InferenceSession(")) >= 0.9


def test_the_model_browser_is_shown_with_its_static_list(models):
    shown = outputs(models, "nbtrain.ModelBrowser()")
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in shown)
    assert any(output.get("data", {}).get("text/plain") == "nbtrain.ModelBrowser()" for output in shown)
    assert any("digits" in output.get("data", {}).get("text/html", "") for output in shown)


def test_own_loops_learn_and_their_panels_are_shown(own_loop):
    state, step, accuracies = eval(text(own_loop, "str(tracked.state)"))  # noqa: S307 - a tuple that the notebook shows
    assert (state, step, len(accuracies)) == ("finished", 480, 10)
    assert max(accuracies) >= 0.9
    shown = outputs(own_loop, 'name="bare loop"')
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", ()) for output in shown)
    assert "bare loop: Finished, Step 240 of 240" in text(own_loop, 'name="bare loop"')


def test_an_own_loop_is_steered(own_loop):
    assert text(own_loop, "def steered()").endswith("('stopped', 100, [0.001, 0.0001])")


def test_the_trainer_of_transformers_is_a_run_too(own_loop):
    state, step, accuracy = eval(text(own_loop, "str(callback.run.state)"))  # noqa: S307 - as above
    assert (state, step) == ("finished", 288)
    assert accuracy >= 0.8
    listed = text(own_loop, "nbtrain.runs()")
    for line in ("vision transformer  finished", "stopped by itself   stopped", "with validation     finished"):
        assert line in listed


def test_texts_are_classified_tagged_and_gone_on_with(texts):
    assert re.search(r"ham +\d+ +\d+\nspam +\d+ +\d+", text(texts, "run.results("))
    figures = eval(text(texts, "run.evaluate()  "))  # noqa: S307 - a dict that the notebook shows
    assert figures["accuracy"] >= 0.93
    assert re.search(r"^0 +spam", text(texts, "run.predict(["), re.MULTILINE)
    assert re.search(r"^1 +ham", text(texts, "run.predict(["), re.MULTILINE)
    assert "tokenizer.json" in text(texts, 'run.register("spam")')
    assert float(text(texts, 'finder.evaluate()["span_f1"]')) > 0.5
    assert "('08712300220', 'B-PHONE')" in text(texts, "finder.predict(")
    assert "(sampled) →" in text(texts, "writer.samples()")
    learning, all_of_them = eval(text(texts, "moved = ["))  # noqa: S307 - a pair that it shows
    assert 0 < learning < all_of_them


def test_states_are_told_and_amounts_forecast_from_windows(series):
    assert "'focal_gamma': 2.5" in text(series, "for_recipe")
    figures = eval(text(series, "run.evaluate()"))  # noqa: S307 - a dict that the notebook shows
    assert figures["macro_f1"] > 0.8  # 0.44 for always the same
    assert "p(worn)" in text(series, "told.tail(3)")
    figures = eval(text(series, "ahead.evaluate()"))  # noqa: S307 - as above
    assert figures["mae"] < 0.6 * float(text(series, "later - newest"))
    assert "goes backwards at row 101" in text(series, "muddled.loc")


def test_corners_of_vertebrae_are_found(landmarks):
    assert float(text(landmarks, "# pixels off, on the mean")) < 3.0
    assert "mre_mm" in text(landmarks, "run.evaluate()")
    assert "lie outside of their image, in row 7: 'left_top_1' is at (400, " in text(landmarks, "cells[1]")


def test_a_sentence_that_was_in_no_recording_is_heard_and_seen(speech):
    first, last = (line.split() for line in text(speech, "run.history.frame()").splitlines()[-2:])
    assert float(last[1]) < 0.4 * float(first[1])  # mel_loss
    assert float(last[3]) < 0.05  # stop_loss
    [seconds] = map(float, re.findall(r"Utterance\(([\d.]+) s", text(speech, "[said] = run.predict")))
    assert 0.7 < seconds < 1.5  # of the voice it learnt from: 1.02
    [sound] = outputs(speech, "[said] = run.predict")
    assert "data:audio/wav;base64," in sound["data"]["text/html"]
    assert "image/png" in outputs(speech, "attention_png(")[0]["data"]
    assert "has never seen: 'i' (U+0069)" in text(speech, "a quick fix")
