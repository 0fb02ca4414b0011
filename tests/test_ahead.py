"""Filled passes of a race: the same errors as without them, in fewer calls."""

import itertools

import numpy as np
import pandas as pd
import pytest

from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.progress import Silence
from diffusion_classifier.selection.ahead import Ahead
from diffusion_classifier.selection.racing import Gap, race

IMAGES, CLASSES = 5, 6
SAMPLES = [Sample(10 * n, n) for n in range(64)]
PAIRS = pd.DataFrame(itertools.product(range(IMAGES), range(CLASSES)), columns=["image", "prompt"])


@pytest.fixture
def table():
    """Errors `(image, prompt, sample)`; class 0 is the best, others are behind it or close."""
    generator = np.random.default_rng(2)
    behind = np.array([0, 0.05, 0.5, 1, 1.5, 2])[None, :, None] * generator.uniform(
        0.1, 1, (IMAGES, 1, 1)
    )
    return 1 + behind + generator.normal(0, 0.2, (IMAGES, CLASSES, len(SAMPLES)))


class Counting:
    """Looks errors up, and records the evaluations of each call."""

    def __init__(self, table):
        self.table, self.calls = table, []

    def __call__(self, pairs, samples):
        self.calls.append(len(pairs) * len(samples))
        columns = [sample.noise for sample in samples]
        found = self.table[pairs["image"].to_numpy()[:, None], pairs["prompt"].to_numpy()[:, None],
                           columns]  # fmt: skip
        return {"l2": found.astype("float32"), "l1": (2 * found).astype("float32")}


def run(measure):
    class_of, rule = np.arange(CLASSES), Gap(2.5)
    return race(measure, PAIRS, SAMPLES, class_of, rule, minimum=3, progress=Silence())


@pytest.mark.parametrize("fill", [1, 7, 16, 64, 10_000])
def test_a_race_has_the_same_errors_in_fewer_calls(table, fill):
    plain, inner = Counting(table), Counting(table)
    expected, ahead = run(plain), Ahead(inner, SAMPLES, fill)
    found = run(ahead)
    for loss, values in expected.items():
        np.testing.assert_array_equal(found[loss], values)
    assert np.isnan(expected["l2"]).any() and len(plain.calls) > 5
    assert ahead.evaluations == sum(inner.calls) >= sum(plain.calls)
    if fill == 1:
        assert inner.calls == plain.calls
    if fill >= 64:
        assert len(inner.calls) < len(plain.calls)
    # a pass is larger than what the race asks for only up to the fill
    assert all(call <= max(fill, max(plain.calls)) for call in inner.calls)


def test_all_samples_may_be_asked_for_at_once(table):
    inner = Counting(table)
    found = Ahead(inner, SAMPLES, 16)(PAIRS, SAMPLES)["l2"]
    np.testing.assert_array_equal(found, Counting(table)(PAIRS, SAMPLES)["l2"])
    assert inner.calls == [len(PAIRS) * len(SAMPLES)]
