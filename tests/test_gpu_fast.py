"""How the GPU check times networks and judges the results."""

import time
from dataclasses import replace

import pytest
import torch
from gpu_checks import CPU, check, held, written

from diffusion_classifier.benchmarks.full_size import FULL_SIZE, tiny
from diffusion_classifier.gpu_check.check import HELD
from diffusion_classifier.gpu_check.fast import NETWORKS, Contest, Timing
from diffusion_classifier.gpu_check.ways import LOOP, Way, chosen_way, fastest_within

HALF, BRAIN = torch.float16, torch.bfloat16


@pytest.fixture(scope="module")
def contest():
    """A contest of the smallest network, without any measurement yet."""
    return Contest(check(), "dit-512", tiny(FULL_SIZE["dit-xl-2-512"]))


@pytest.fixture
def on_a_card(contest, monkeypatch):
    """The contest as on a GPU with bfloat16; its timings are given, not measured."""
    monkeypatch.setattr(contest, "check", check(rehearse=False))
    monkeypatch.setattr(contest, "timings", {})
    chosen = "diffusion_classifier.gpu_check.fast.chosen_way"
    monkeypatch.setattr(chosen, lambda plain, device, evaluations: Way(BRAIN, evaluations > 0))
    return contest


def timing(ratio, rate=100.0):
    return Timing([rate] * 3, [0.5 * ratio, ratio, 9 * ratio])


def test_ways_are_timed_against_the_loop_and_find_the_same(contest, monkeypatch):
    monkeypatch.setattr(contest, "check", check())
    monkeypatch.setattr(contest, "timings", {})
    contest.compare([Way(BRAIN), Way(HALF)])
    rows = written(contest.check, "evaluations per second")
    assert [row["way"] for row in rows] == ["loop, float16", "engine, bfloat16", "engine, float16"]
    assert rows[0]["times_the_loop"] == 1 and rows[0]["batch"] == 32
    assert all(row["slowest"] <= row["rate"] <= row["fastest"] for row in rows)
    # of a whole evaluation's FLOPs, in the same dtype
    share = rows[2]["rate"] * contest.flops / contest.peak[HALF]
    assert rows[2]["share_of_peak"] == pytest.approx(share)
    assert list(held(contest.check).values()) == [True, True]
    # ways that take turns again are not written again
    contest.compare([], [Way(BRAIN)])
    assert len(written(contest.check, "evaluations per second")) == 3


def test_an_engine_with_other_errors_is_found(contest, monkeypatch):
    monkeypatch.setattr(contest, "check", check())
    monkeypatch.setattr(contest, "timings", {})
    monkeypatch.setattr(contest, "runners", {})
    denoiser = contest._runner(Way(HALF)).engine.denoiser
    predict = denoiser.predict_shared
    denoiser.predict_shared = lambda query, prepared: predict(
        replace(query, x_t=query.x_t.flip(0)), prepared
    )
    contest.compare([Way(HALF)])
    assert held(contest.check) == {"dit-512: engine, float16 finds the loop's errors": False}


def test_what_there_is_no_time_to_compile_is_left_out(on_a_card, monkeypatch):
    monkeypatch.setattr(on_a_card, "check", check(rehearse=False, until=time.time() + 30))
    on_a_card._compile(Way(BRAIN, compiled=True))
    (row,) = written(on_a_card.check, "left out")
    assert row["what"] == "engine, bfloat16, compiled" and row["why"] in (
        "29 s were left",
        "30 s were left",
    )


def test_bars_are_judged_by_medians(on_a_card):
    on_a_card.timings |= {"engine, bfloat16": timing(1.5), "engine, float16": timing(1.52)}
    on_a_card.judge_default(0)
    on_a_card.timings["engine, bfloat16, compiled"] = timing(1.7)
    on_a_card.judge_default(100_000)
    assert held(on_a_card.check) == {
        "dit-512: auto is the fastest for a short job": True,
        "dit-512: auto for a short job is at least 1 times the loop": True,
        "dit-512: auto is the fastest for a long job": True,
        "dit-512: auto for a long job is at least 1.8 times the loop": False,
    }


def test_a_bar_that_was_not_measured_is_no_pass(on_a_card):
    on_a_card.timings["engine, bfloat16"] = timing(1.5)
    on_a_card.judge_default(100_000)
    assert held(on_a_card.check) == {}
    (row,) = written(on_a_card.check, "left out")
    assert "fast enough for a long job" in row["what"]


def test_the_share_of_the_peak_is_that_of_sd_2(on_a_card, monkeypatch):
    monkeypatch.setattr(on_a_card, "network", "sd-2")
    monkeypatch.setattr(on_a_card, "peak", {BRAIN: 160 * on_a_card.flops})
    on_a_card.timings["engine, bfloat16, compiled"] = timing(2.5)
    on_a_card.judge_default(100_000)
    rows = {row["name"]: row["found"] for row in written(on_a_card.check, HELD)}
    assert rows["sd-2: auto for a long job is at least 60% of the peak"] == "62.5%"
    assert all(held(on_a_card.check).values())


def test_a_compiler_that_fails_is_found_and_keeps_nothing_else(contest, monkeypatch):
    def broken(way):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(contest, "check", check())
    monkeypatch.setattr(contest, "timings", {})
    monkeypatch.setattr(contest, "_compile", broken)
    contest.run()
    assert held(contest.check)["dit-512: engine, bfloat16, compiled can be compiled"] is False
    (row,) = written(contest.check, "peak")
    # a block's modulation depends on timestep and class, which are fewer than evaluations
    assert 0.5 * row["gflops"] < row["gflops_computed"] < row["gflops"]


def test_fastest_within_its_slack():
    speeds = {"a": 1.0, "b": 0.985, "c": 0.9}
    assert fastest_within(speeds, "a", 0.02)[0] and fastest_within(speeds, "b", 0.02)[0]
    assert fastest_within(speeds, "c", 0.02) == (False, "c: 0.9; the fastest, a: 1")


def test_ways_are_what_auto_chooses(contest):
    assert chosen_way(contest.plain, CPU, 10**6) == Way(torch.float32)
    assert LOOP.label == "loop, float16"
    assert Way(HALF, True, True).label == "engine, float16, compiled, channels last"
    assert set(NETWORKS.values()) == set(FULL_SIZE)
