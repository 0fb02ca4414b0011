"""A journal: its errors are not measured again, and a wrong journal is ignored."""

import numpy as np
import pytest
import torch
from tiny_dit import save_dit, tiny_engine

from diffusion_classifier.engine.journal import Journal, fingerprint
from diffusion_classifier.selection.racing import race


class Killed(BaseException):
    """Imitates the end of the process."""


@pytest.fixture
def folder(tmp_path):
    save_dit(tmp_path / "model")
    return tmp_path / "model"


def killed_after(engine, passes):
    """Kill the engine's network after a number of passes; return the list of their sizes."""
    whole, done = engine.denoiser.predict_shared, []

    def predict_shared(query, prepared):
        if len(done) == passes:
            raise Killed
        done.append(len(query.row))
        return whole(query, prepared)

    engine.denoiser.predict_shared = predict_shared
    return done


def test_a_killed_engine_goes_on(folder, tmp_path):
    expected = tiny_engine(folder)[0].errors(*tiny_engine(folder)[1:])
    path = tmp_path / "a.journal.safetensors"
    engine, pairs, samples = tiny_engine(folder, Journal(path, "job", interval=0))
    engine.batches.size = 16
    killed_after(engine, 3)
    with pytest.raises(Killed):
        engine.errors(pairs, samples)
    journal = Journal(path, "job", interval=0)
    engine, *_ = tiny_engine(folder, journal)
    engine.batches.size = 16
    done = killed_after(engine, 100)
    found = engine.errors(pairs, samples)
    assert sum(done) == 100 - 48 and journal.seconds > 0
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5)
    journal.close()
    assert not path.exists()


def test_a_killed_race_goes_on(folder, tmp_path):
    def leave_the_worst(errors, weights):
        return errors.mean(axis=1) < errors.mean(axis=1).max()

    def run(engine, pairs, samples):
        return race(engine.errors, pairs, samples, np.arange(4), leave_the_worst, minimum=1)

    engine, pairs, samples = tiny_engine(folder)
    expected = run(engine, pairs, samples)
    for passes in range(1, 4):
        path = tmp_path / f"{passes}.journal.safetensors"
        engine, *_ = tiny_engine(folder, Journal(path, "job", interval=0))
        engine.batches.size = 7
        before = killed_after(engine, passes)
        with pytest.raises(Killed):
            run(engine, pairs, samples)
        engine, *_ = tiny_engine(folder, Journal(path, "job", interval=0))
        engine.batches.size = 7
        after = killed_after(engine, 100)
        found = run(engine, pairs, samples)
        assert sum(before) + sum(after) == np.isfinite(expected["l2"]).sum()
        np.testing.assert_allclose(found["l2"], expected["l2"], rtol=1e-5)


def test_it_is_written_once_an_interval(tmp_path):
    path = tmp_path / "a.journal.safetensors"
    journal = Journal(path, "job", interval=3600)
    journal.add({"l2": torch.ones(3)})
    assert not path.exists()
    journal.interval = 0
    journal.add({"l2": torch.zeros(2)})
    assert Journal(path, "job").replay(10)["l2"].tolist() == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("spoilt", ["other job", "truncated", "changed"])
def test_a_journal_that_is_not_ours_does_not_count(tmp_path, spoilt, capsys):
    path = tmp_path / "a.journal.safetensors"
    journal = Journal(path, "job", interval=0)
    journal.add({"l2": torch.ones(100)})
    content = bytearray(path.read_bytes())
    if spoilt == "truncated":
        path.write_bytes(content[:-10])
    elif spoilt == "changed":
        content[-10] ^= 1
        path.write_bytes(content)
    again = Journal(path, "another" if spoilt == "other job" else "job")
    assert again.replay(100) == {} and again.seconds == 0
    reason = "settings, code" if spoilt == "other job" else "it is damaged"
    assert reason in capsys.readouterr().err


def test_errors_that_are_not_finite_are_not_kept(folder, tmp_path):
    path = tmp_path / "a.journal.safetensors"
    engine, pairs, samples = tiny_engine(folder, Journal(path, "job", interval=0))
    engine.latents = engine.latents.clone()
    engine.latents[3] = torch.nan
    with pytest.raises(FloatingPointError, match="image 3"):
        engine.errors(pairs, samples)
    assert not path.exists()


def test_a_job_is_known_by_its_inputs_and_settings(tmp_path):
    path = tmp_path / "a"
    path.write_text("one")
    first = fingerprint([path], {"samples": [1]})
    assert fingerprint([path], {"samples": [1]}) == first
    assert fingerprint([path], {"samples": [2]}) != first
    path.write_text("three")
    assert fingerprint([path], {"samples": [1]}) != first
