"""The check of a GPU: how its parts run, how failed parts are handled, and its rehearsal."""

import json
import math
import os
import re
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch
from gpu_checks import check, written

from diffusion_classifier.gpu_check.check import HELD, Part
from diffusion_classifier.gpu_check.command import PARTS, SECONDS, main
from diffusion_classifier.gpu_check.results import Results, table
from diffusion_classifier.gpu_check.run import run

FINISHES = "row(table='t', value=1)"
HANGS = "row(table='t', value=2); time.sleep(60)"
CRASHES = "row(table='t', value=3); raise ValueError('the device is gone')"
CUT_SHORT = "row(table='t', value=4); rows.write('{\"table\": '); rows.flush(); os.abort()"
FAILS = f"row(table='{HELD}', name='2 + 2', held=False, found='5')"


def outcomes(folder, programs, seconds=60.0, limit=30.0):
    """The outcomes in check.json after running small Python programs as parts."""
    start = "import json, os, sys, time; rows = open(sys.argv[1], 'a')\n"
    start += "row = lambda **values: print(json.dumps(values), file=rows, flush=True)\n"

    def command(part, rows, until):
        return [sys.executable, "-c", start + programs[part.name], str(rows)]

    parts = [Part(name, None, limit, limit) for name in programs]
    run(parts, command, Results(False, "today"), folder, seconds)
    return read(folder)


def read(folder):
    return json.loads((folder / "check.json").read_text())


# --- the runner


def test_no_part_takes_another_along(tmp_path):
    programs = {"slow": HANGS, "broken": CRASHES, "aborted": CUT_SHORT, "good": FINISHES}
    found = outcomes(tmp_path, programs, limit=1.5)
    assert [(part["part"], part["status"]) for part in found["outcomes"]] == [
        ("slow", "killed at its limit"),
        ("broken", "failed"),
        ("aborted", "failed"),
        ("good", "finished"),
    ]
    # with all rows of each part, but without the incomplete row
    assert [part["rows"] for part in found["outcomes"]] == [
        [{"table": "t", "value": value}] for value in (2, 3, 4, 1)
    ]
    errors = [part["error"] for part in found["outcomes"]]
    assert errors[1:] == ["ValueError: the device is gone", "exit status -6", ""]
    assert not found["passed"]
    assert 1.5 <= found["outcomes"][0]["seconds"] < 10


def test_results_are_written_after_every_part(tmp_path):
    reads = f"found = json.load(open({str(tmp_path / 'check.json')!r})); "
    reads += "row(table='t', **{part['part']: part['status'] for part in found['outcomes']})"
    found = outcomes(tmp_path, {"first": FINISHES, "second": reads})
    row = {"table": "t", "first": "finished", "second": "not reached"}
    assert found["outcomes"][1]["rows"] == [row]
    assert "| first | finished |" in (tmp_path / "check.md").read_text()


def test_what_the_whole_time_does_not_allow_is_not_reached(tmp_path):
    found = outcomes(tmp_path, {"slow": HANGS, "late": FINISHES}, seconds=1.5, limit=1.5)
    slow, late = found["outcomes"]
    assert (slow["status"], late["status"]) == ("killed at its limit", "not reached")
    assert not found["passed"] and late["rows"] == []


def test_rows_of_an_earlier_run_do_not_count(tmp_path):
    for _ in range(2):
        found = outcomes(tmp_path, {"part": FINISHES})
    assert found["outcomes"][0]["rows"] == [{"table": "t", "value": 1}]
    assert found["passed"]


@pytest.fixture
def ctrl_c():
    """SIGINT as in a terminal, since background processes of a shell ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_loses_nothing(tmp_path, number):
    pid = "rows.write(json.dumps({'table': 'pid', 'pid': os.getpid()}) + '\\n'); rows.flush(); "
    programs = {"done": FINISHES, "stopped": pid + HANGS, "never": FINISHES}
    handler = signal.getsignal(number)

    def interrupt():
        for _ in range(600):  # once the second part has written all its rows
            path = tmp_path / "parts" / "stopped.jsonl"
            if path.exists() and path.read_text().count("\n") == 2:
                break
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        outcomes(tmp_path, programs)
    found = read(tmp_path)["outcomes"]
    assert [part["status"] for part in found] == ["finished", "interrupted", "not reached"]
    assert found[1]["rows"][1] == {"table": "t", "value": 2}
    with pytest.raises(ProcessLookupError):
        os.kill(found[1]["rows"][0]["pid"], 0)
    assert signal.getsignal(number) is handler


def test_something_that_does_not_hold_is_no_pass(tmp_path, capsys):
    found = outcomes(tmp_path, {"part": FAILS})
    assert found["outcomes"][0]["status"] == "finished" and not found["passed"]
    assert "does not hold: 2 + 2: 5" in capsys.readouterr().out
    assert "| 2 + 2 | no | 5 |" in (tmp_path / "check.md").read_text()


# --- rows and tables


def test_rows_are_plain_json():
    asked = check(until=time.time() + 5)
    asked.row("t", a=np.float32(0.5), b=torch.tensor(3), c=math.inf, d=float("nan"), e=np.bool_(1))
    asked.holds("name", np.bool_(False), "found")
    first, second = written(asked)
    assert first == {"table": "t", "a": 0.5, "b": 3, "c": "inf", "d": "nan", "e": True}
    assert second == {"table": HELD, "name": "name", "held": False, "found": "found"}
    assert 4 < asked.left() <= 5


def test_tables_have_all_columns_and_short_numbers():
    rows = [
        {"name": "a|b", "rate": 1234.567, "share": 0.01234, "tiny": 0.0},
        {"name": "c", "tiny": 2.5e-7, "ok": True, "count": 12345},
    ]
    assert table(rows).splitlines() == [
        "| name | rate | share | tiny | ok | count |",
        "| --- | ---: | ---: | ---: | --- | ---: |",
        "| a\\|b | 1,235 | 0.0123 | 0 |  |  |",
        "| c |  |  | 2.50e-07 | yes | 12,345 |",
    ]


# --- the command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "tpu"], "--device: found `tpu`"),
        (["--device", "cuda"], "finds no GPU"),
        (["--rehearse", "--parts", "rihgt"], "did you mean `right`?"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_rehearsal(tmp_path, root, monkeypatch):
    status = main(["--rehearse", "--output", str(tmp_path)])
    found = read(tmp_path)
    wrong = [part for part in found["outcomes"] if part["status"] != "finished"]
    assert not wrong
    assert status == 0 and found["passed"] and found["rehearsal"]
    assert [part["part"] for part in found["outcomes"]] == [part.name for part in PARTS]
    assert found["machine"]["device"] == "cpu"
    text = (tmp_path / "check.md").read_text()
    assert text.startswith("# Rehearsal") and "| golden errors | yes |" in text


def test_the_document_lists_the_parts_and_their_limits(root):
    text = (root / "docs" / "gpu.md").read_text()
    rows = re.findall(r"^\| (`.*`) \| ([\d, ]+) \|", text, re.M)
    listed = [
        (name.strip("`"), float(seconds))
        for names, limits in rows
        for name, seconds in zip(names.split(", "), limits.split(", "), strict=True)
    ]
    assert listed == [(part.name, part.seconds) for part in PARTS]


def test_no_part_can_take_the_time_of_the_five_that_matter_most():
    assert sum(part.seconds for part in PARTS[:5]) <= SECONDS
