"""What goes wrong between a run and its copy in MLflow: lost answers, a kill, uploads that fail or are slow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

import nbtrain
from nbtrain.core.errors import ConfigError
from nbtrain.integrations import mlflow_mirror
from tests.integrations.test_mlflow import Server, Worker, told

slow = pytest.mark.slow
#: In the worker: the real client, and what happens to its answers.
LOST = """
    import mlflow
    real = mlflow.MlflowClient.log_batch
    metrics = []
    def log_batch(self, *args, **given):
        metrics.extend([1] if given.get("metrics") else [])
        if given.get("metrics") and len(metrics) == 3:
            raise ConnectionError("it was not asked")
        real(self, *args, **given)
        if given.get("metrics") and len(metrics) == 2:
            raise ConnectionError("its answer was lost")
    mlflow.MlflowClient.log_batch = log_batch
    def other(output, target):
        time.sleep(0.2)  # so that it does not come as far as the course before
        return 2 * slow(output, target)
"""


@pytest.fixture(scope="module")
def server(mlflow_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(mlflow_python, tmp_path_factory.mktemp("mlflow"))
    yield found
    found.stop()


@pytest.fixture
def python(mlflow_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    found = Worker(mlflow_python, tmp_path_factory.mktemp("home"))
    yield found
    found.close()


@slow
def test_when_an_answer_is_lost_no_point_is_sent_twice(server, python):
    found = python(LOST + """
    run = train(epochs=1000, loss=slow)
    while len(metrics) < 5:
        time.sleep(0.05)
    run.stop()
    answer({"there": sent(run), "steps": run.history["loss"].steps.tolist(), "warnings": list(run.warnings)})
    """, server.uri)
    assert [step for step, _ in server.points(found["there"], "loss")] == found["steps"]
    assert ["its answer was lost" in said for said in found["warnings"]] == [True]


@slow
def test_of_a_course_that_began_anew_nothing_is_missing_when_an_answer_is_lost(server, python):
    before = python("""
        run = train(epochs=1000, checkpoint_every=100_000, loss=slow)
        while run.step < 50:
            time.sleep(0.05)
        run.checkpoint()
        at = run.step
        while not (run.folder / "mlflow.json").is_file() or run.step < at + 300:
            time.sleep(0.05)
        time.sleep(1)
        answer({"id": run.id, "at": run.step})
        os.kill(os.getpid(), signal.SIGKILL)
    """, server.uri, killed=True)
    found = python(LOST + """
    run = nbtrain.resume(id, model=net(), data=data(), loss=other, show=False)
    [start] = [each._begins_at for each in mlflow_mirror._alive if each.id == run.id]
    while len(metrics) < 2:
        time.sleep(0.05)
    run.stop()
    answer({"there": sent(run), "exact": run.resumed["exact"], "from": start, "last": run.step,
            "history": run.history.to_json()["loss"]})
    """, server.uri, id=before["id"])
    assert not found["exact"]
    assert found["last"] < before["at"]  # what is there of the course before goes further
    points = Counter((step, round(value, 9)) for step, value in server.points(found["there"], "loss"))
    values = zip(found["history"]["steps"], found["history"]["values"], strict=True)
    own = [(step, round(value, 9)) for step, value in values if step > found["from"]]
    assert own
    assert [points[each] for each in own] == [1] * len(own)


@slow
def test_an_option_that_is_edited_back_is_there_as_it_is_now(server, python):
    found = python("""
        def until(run, value):
            [mirror] = [each for each in mlflow_mirror._alive if each.id == run.id]
            while mirror._edited.get("learning_rate") != value:
                time.sleep(0.05)
        run = train(epochs=1000, loss=slow, learning_rate=0.1)
        while not (run.folder / "mlflow.json").is_file():  # its options are on their way
            time.sleep(0.05)
        run.set(learning_rate=0.2)
        until(run, "0.2")
        run.set(learning_rate=0.1)
        until(run, "0.1")
        run.set(learning_rate=0.3)
        until(run, "0.3")
        run.stop()
        there = sent(run)
        again = nbtrain.resume(run.id, model=net(), data=data(), loss=slow, show=False)
        again.set(learning_rate=0.1)
        time.sleep(1)
        again.stop()
        answer(sent(again))
    """, server.uri)
    run = server.run(found)
    assert told(run, "params")["learning_rate"] == "0.1"
    assert told(run, "tags")["nbtrain.edited.learning_rate"] == "0.1"


@slow
def test_a_run_that_is_killed_before_its_options_are_there_sends_them_when_it_goes_on(server, python):
    found = python("""
        import mlflow
        real = mlflow.MlflowClient.log_batch
        def log_batch(self, run_id, *args, **given):
            if given.get("params"):
                real(self, run_id, params=given["params"][:3])
                run.checkpoint()
                answer({"id": run.id, "there": run_id})
                os.kill(os.getpid(), signal.SIGKILL)
        mlflow.MlflowClient.log_batch = log_batch
        run = train(epochs=1000, loss=slow)
        run.wait()
    """, server.uri, killed=True)
    assert len(told(server.run(found["there"]), "params")) == 3
    after = python("""
        run = nbtrain.resume(id, model=net(), data=data(), loss=slow, show=False)
        run.stop()
        answer({"there": sent(run), "options": {name: str(value) for name, value in run.options().items()}})
    """, server.uri, id=found["id"])
    assert after["there"] == found["there"]
    assert told(server.run(found["there"]), "params") == after["options"]


@slow
def test_a_model_that_cannot_be_sent_keeps_no_run_from_its_end_and_giving_up_is_told(server, python):
    found = python("""
        import mlflow
        def log_artifacts(self, *args, **given):
            raise PermissionError("no room for files")
        mlflow.MlflowClient.log_artifacts = log_artifacts
        mlflow_mirror.LAST, mlflow_mirror._SLOW = 1.0, 0.0
        run = train()
        run.wait()
        answer({"there": sent(run), "warnings": list(run.warnings)})
    """, server.uri)
    assert server.run(found["there"])["info"]["status"] == "FINISHED"
    slowness, cannot, given_up = found["warnings"]
    assert slowness.startswith("MLflow does not answer for 0 seconds; the run goes on without it")
    assert cannot.startswith("MLflow cannot be written to (PermissionError: no room for files); the run goes on")
    assert given_up.startswith("Not all of the run is in MLflow (PermissionError: no room for files), and no more is")


@slow
def test_an_upload_that_takes_its_time_is_no_server_that_does_not_answer(server, python):
    found = python("""
        import mlflow, threading
        real, waited = mlflow.MlflowClient.log_artifacts, []
        def log_artifacts(self, *args, **given):
            waited.extend(each for each in threading.enumerate()
                          if isinstance(each, threading.Timer) and not each.finished.is_set())
            real(self, *args, **given)
            waited.append("sent")
        mlflow.MlflowClient.log_artifacts = log_artifacts
        run = train()
        run.wait()
        answer({"there": sent(run), "waited": list(map(str, waited))})
    """, server.uri)
    assert found["waited"] == ["sent"]
    assert server.ask("artifacts/list", run_id=found["there"], path="model")["files"]


@pytest.mark.parametrize(("said", "told"), [
    ("at http://u:p@ss@host/api (no)", "at http://host/api (no)"),
    ("postgresql://u:p/w@host/db is locked", "postgresql://host/db is locked"),
    ("http://host/api?token=abc failed", "http://host/api failed"),
    ("for url: /api/get?a=b&token=abc (Caused by 'x')", "for url: /api/get (Caused by 'x')"),
    ("what? it is me@home", "what? it is me@home")])
def test_no_password_and_no_query_stands_in_a_message(said, told):
    assert mlflow_mirror._plain(said) == told


def test_an_address_is_no_name_of_an_experiment_and_is_not_repeated():
    with pytest.raises(ConfigError, match=r"MLFLOW_TRACKING_URI") as refused:
        nbtrain.TrainConfig(mlflow="http://user:canary@host:5000")
    assert "canary" not in str(refused.value)
    assert "canary" not in repr(refused.value.problems)
