"""Progress shows the current rate, without work that was already done."""

import io

import pytest

from diffusion_classifier import progress
from diffusion_classifier.progress import WINDOW, Progress, duration


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when called: `clock(seconds)`."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def go_on(seconds):
        now[0] += seconds

    return go_on


def line(capsys):
    return capsys.readouterr().err.strip()


def test_the_rate_is_that_of_the_last_minute(clock, capsys):
    told = Progress(10_000, "evaluations")
    clock(WINDOW)
    told.update(600)
    assert line(capsys) == "600/10000 evaluations, 10 evaluations/s, 15 min 40 s left"
    clock(WINDOW)
    told.update(600 + 6000)  # like late in a race, with few classes left
    assert line(capsys) == "6600/10000 evaluations, 100 evaluations/s, 34 s left"
    clock(10)
    told.update(10_000)  # at the end it is the rate of all evaluations
    assert line(capsys) == "10000/10000 evaluations, 76.9 evaluations/s, 0 s left"


def test_what_was_done_before_is_not_counted(clock, capsys):
    told = Progress(1000, "evaluations", before=900)
    clock(WINDOW)
    told.update(960)
    assert line(capsys) == "960/1000 evaluations, 1 evaluations/s, 40 s left"


def test_a_log_has_a_line_a_minute(clock, capsys):
    told = Progress(1000, "evaluations")
    for done in range(1, 1000):
        clock(1)
        told.update(done)
    assert len(line(capsys).splitlines()) == 999 // 60


class Terminal(io.StringIO):
    """A stream that is watched."""

    def isatty(self):
        return True


def test_a_terminal_has_a_bar_that_ends_in_a_line(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    told = Progress(100, "evaluations", before=40)
    for done in range(41, 101):
        told.update(done, "3 images left" if done < 100 else "")
    shown = progress.sys.stderr.getvalue()
    assert shown.count("\n") == 1 and shown.endswith("\n")
    assert "40/100" in shown.split("\r")[1]
    last = shown.rstrip("\n").split("\r")[-1]
    assert "100%" in last and "100/100" in last and " evaluations/s" in last


def test_a_terminal_is_told_what_a_log_is_told(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    told = Progress(100, "images")
    told.bar.mininterval = 0
    told.update(10, "3 images left")
    assert "10/100" in progress.sys.stderr.getvalue()
    assert "3 images left" in progress.sys.stderr.getvalue()
    told.bar.close()


@pytest.mark.parametrize(
    ("seconds", "message"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (18720, "5 h 12 min")],
)
def test_durations_are_said_as_people_do(seconds, message):
    assert duration(seconds) == message
