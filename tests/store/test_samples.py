from __future__ import annotations

import json

import pytest

from nbtrain.core.errors import WorkspaceError
from nbtrain.core.samples import Sample, Sign
from nbtrain.store import samples

TEXT = Sample(title="Once", kind="text", content="سلام".encode())
SOUND = Sample(title="a sentence", kind="audio", content=b"RIFF\x00", mime="audio/wav")


def test_samples_are_read_as_they_were_kept_the_newest_first_asked_for(tmp_path):
    samples.keep(tmp_path, 1, 10, [TEXT])
    samples.keep(tmp_path, 2, 20, [TEXT, SOUND])
    assert samples.sampled(tmp_path) == [1, 2]
    assert samples.read(tmp_path) == [TEXT, SOUND]
    assert samples.read(tmp_path, 1) == [TEXT]
    assert samples.read(tmp_path, 7) == []


def test_a_run_without_samples_has_none(tmp_path):
    assert samples.sampled(tmp_path) == []
    assert samples.read(tmp_path) == []


def test_half_written_samples_are_no_samples(tmp_path):
    (tmp_path / "samples" / "000003").mkdir(parents=True)
    assert samples.sampled(tmp_path) == []


def test_a_sample_whose_file_is_gone_is_one_sentence(tmp_path):
    samples.keep(tmp_path, 1, 10, [SOUND])
    samples.kept(tmp_path)[0].path.unlink()
    with pytest.raises(WorkspaceError, match="The samples of epoch 1 cannot be read: No such file"):
        samples.read(tmp_path)


def test_signs_are_kept_with_a_run(tmp_path):
    samples.keep_signs(tmp_path, [])
    assert not list(tmp_path.iterdir())
    assert samples.kept_signs(tmp_path) == []
    signs = [Sign(name="loss", low=1.0, high=10.0)]
    samples.keep_signs(tmp_path, signs)
    assert samples.kept_signs(tmp_path) == signs
    (tmp_path / samples.SIGNS).write_text(json.dumps([{"name": "loss"}]))
    assert samples.kept_signs(tmp_path) == []
