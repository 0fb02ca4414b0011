"""Stages: the authors' evenly spaced timesteps without repetitions, and refused settings."""

import itertools

import pytest

from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.selection.schedules import check_stages, evenly_spaced, stage_samples


def authors(n_samples, n_trials, total=1000):
    """`eval_prob_adaptive` of the authors, its loop over timesteps and noises line by line."""
    max_n_samples = max(n_samples)
    start = total // max_n_samples // 2
    t_to_eval = list(range(start, total, total // max_n_samples))[:max_n_samples]
    t_evaluated = set()
    stages = []
    for count in n_samples:
        curr = t_to_eval[len(t_to_eval) // count // 2 :: len(t_to_eval) // count][:count]
        curr = [t for t in curr if t not in t_evaluated]
        ts, noises = [], []
        for t_idx, t in enumerate(curr, start=len(t_evaluated)):
            ts.extend([t] * n_trials)
            noises.extend(range(n_trials * t_idx, n_trials * (t_idx + 1)))
        t_evaluated.update(curr)
        stages.append([Sample(*sample) for sample in zip(ts, noises, strict=True)])
    return stages


@pytest.mark.parametrize("trials", [1, 3])
@pytest.mark.parametrize(
    "samples", [[1], [10], [1000], [5, 25], [25, 250], [50, 500], [4, 10, 20, 40], [10, 50, 100]]
)
def test_stages_are_the_authors(samples, trials):
    assert stage_samples(samples, trials) == authors(samples, trials)


@pytest.mark.parametrize("samples", [[5, 25], [25, 250], [4, 10, 20, 40], [1, 2, 4, 8]])
@pytest.mark.parametrize("trials", [1, 2])
def test_nothing_is_measured_twice_and_the_last_stage_completes_the_grid(samples, trials):
    stages = stage_samples(samples, trials)
    flat = list(itertools.chain.from_iterable(stages))
    step = 1000 // samples[-1]
    assert sorted({s.timestep for s in flat}) == list(range(step // 2, 1000, step))
    assert len(flat) == trials * samples[-1]
    assert [s.noise for s in flat] == list(range(len(flat)))  # in order, none shared


@pytest.mark.parametrize(("size", "count"), [(25, 5), (250, 25), (40, 40), (12, 1), (9, 2)])
def test_evenly_spaced_takes_the_middle_of_each_interval(size, count):
    length = size // count
    expected = [interval * length + length // 2 for interval in range(count)]
    assert evenly_spaced(list(range(size)), count) == expected


def test_trials_repeat_a_timestep_with_different_noises():
    first = stage_samples([2, 4], trials=3)[0]
    assert [s.timestep for s in first] == [375] * 3 + [875] * 3
    assert [s.noise for s in first] == [0, 1, 2, 3, 4, 5]


def test_with_a_grid_the_first_stage_does_not_depend_on_the_last():
    stages = [stage_samples([10, last], grid=200) for last in (20, 50, 100)]
    assert stages[0][0] == stages[1][0] == stages[2][0]
    assert stage_samples([10, 20])[0] != stage_samples([10, 50])[0]  # the reason for the grid


def test_a_stage_on_a_grid_takes_only_what_is_new():
    assert [len(stage) for stage in stage_samples([1, 3], grid=3, timesteps=999)] == [1, 2]
    timesteps = [s.timestep for stage in stage_samples([50, 100], grid=100) for s in stage]
    assert sorted(timesteps) == [s.timestep for s in stage_samples([100])[0]]


def test_timesteps_of_a_shorter_schedule():
    assert [s.timestep for s in stage_samples([4], timesteps=100)[0]] == [12, 37, 62, 87]


@pytest.mark.parametrize(
    ("samples", "keep", "trials", "grid", "bank"),
    [
        ([25, 250], [5, 1], 1, None, 250),
        ([10, 50], [4, 1], 5, None, 250),
        ([25], [1], 1, 250, 25),
        ([4, 10, 20, 40], [10, 5, 5, 1], 1, None, 40),
        ([1], [1], 1, None, 1),
    ],
)
def test_good_stages_pass(samples, keep, trials, grid, bank):
    check_stages(samples, keep, trials, grid, bank)


@pytest.mark.parametrize(
    ("samples", "keep", "trials", "grid", "bank", "message"),
    [
        ([25, 250], [1], 1, None, 250, ["keep: ", "[1]", "[25, 250]", "one number", "per stage"]),
        ([25, 250], [3, 4], 1, None, 250, ["keep: ", "[3, 4]", "do not grow", "correct"]),
        ([25, 250], [5, 2], 1, None, 250, ["keep: ", "[5, 2]", "end in 1", "correct"]),
        ([250, 25], [5, 1], 1, None, 250, ["samples: ", "[250, 25]", "that grow", "correct"]),
        ([25, 25], [5, 1], 1, None, 250, ["samples: ", "[25, 25]", "that grow", "correct"]),
        ([300], [1], 1, None, 300, ["samples: 300", "1000", "divisor of 1000", "largest entry"]),
        ([20], [1], 1, 300, 300, ["grid: 300", "1000", "divisor of 1000"]),
        ([2000], [1], 1, None, 2000, ["samples: 2000", "divisor of 1000"]),
        ([15, 25], [2, 1], 1, None, 25, ["samples: 15", "grid of 25", "divisor of 25"]),
        ([50], [1], 1, 25, 50, ["grid: 25", "50 samples", "raise `grid`"]),
        ([25, 50], [2, 1], 1, None, 49, ["samples: ", "[25, 50]", "49", "at least 50", "noise"]),
        ([50], [1], 3, None, 149, ["samples: ", "3 trial", "149", "at least 150"]),
    ],
)
def test_bad_stages_are_refused(samples, keep, trials, grid, bank, message):
    with pytest.raises(ValueError) as error:
        check_stages(samples, keep, trials, grid, bank)
    for words in message:
        assert words in str(error.value)


def test_the_noises_a_check_allows_are_the_ones_the_stages_ask_for():
    for samples, trials in [([4, 10, 20, 40], 1), ([5, 25], 4)]:
        needed = 1 + max(s.noise for stage in stage_samples(samples, trials) for s in stage)
        keep = [1] * len(samples)
        check_stages(samples, keep, trials, None, needed)
        with pytest.raises(ValueError, match=f"at least {needed}"):
            check_stages(samples, keep, trials, None, needed - 1)
