from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nbtrain.core.control import State
from nbtrain.core.events import CheckpointSaved, OptionEdited, StateChanged
from nbtrain.store.journal import Journal


def test_events_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.read() == []
    events = [
        StateChanged(step=0, previous=State.PREPARING, state=State.RUNNING),
        OptionEdited(step=3, name="learning_rate", old=0.1, new=1e-05),
        CheckpointSaved(step=4, generation="step-000000004", reason="پایان\nline", seconds=0.1, bytes=5),
    ]
    for event in events:
        journal.append(event.record())
    assert journal.read() == [event.record() for event in events]


def test_whatever_is_cut_off_the_end_the_lines_before_stay(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for number in range(3):
        journal.append({"number": number, "text": "ژورنال"})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        numbers = [record["number"] for record in journal.read()]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= whole[:length].count(b"\n")
        journal.append({"number": 99})
        assert [record["number"] for record in journal.read()] == [*numbers, 99]


@given(st.lists(st.text(max_size=20), max_size=5), st.binary(max_size=30))
def test_text_of_any_kind_is_one_line(tmp_path_factory: object, texts: list[str], noise: bytes) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"  # type: ignore[attr-defined]
    journal = Journal(path)
    path.write_bytes(noise.replace(b"{", b""))
    for text in texts:
        journal.append({"text": text})
    assert [record["text"] for record in journal.read()] == texts


def test_what_json_does_not_know_is_written_as_text(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append({"path": Path("a")})
    assert journal.read() == [{"path": "a"}]
