"""The size of a pass: a given number, or the fastest one."""

import pytest
import torch

from diffusion_classifier.engine import batching
from diffusion_classifier.engine.batching import Batches, out_of_memory

CPU = torch.device("cpu")


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only by `passes(size)`, the seconds of a pass of that size."""
    now = [0.0]
    monkeypatch.setattr(batching.time, "perf_counter", lambda: now[0])

    def run(total, size, seconds):
        sizes = []
        for part in Batches(size, CPU).ranges(total):
            now[0] += seconds(len(part))
            sizes.append(len(part))
        return sizes

    return run


@pytest.mark.parametrize(("total", "size"), [(100, 7), (5, 10), (12, 12), (0, 3)])
def test_every_evaluation_once_and_in_order(total, size):
    parts = list(Batches(size, CPU).ranges(total))
    assert [number for part in parts for number in part] == list(range(total))
    assert all(len(part) == size for part in parts[:-1])


def test_grows_until_the_rate_does_not(clock):
    # a pass costs 1 s and 1/64 s for each evaluation beyond 64: the rate grows up to 64
    sizes = clock(5000, "auto", lambda size: max(1.0, size / 64))
    assert sizes[:4] == [16, 32, 64, 128]
    assert set(sizes[4:-1]) == {64}
    assert sum(sizes) == 5000


def test_has_an_end_where_larger_is_always_better(clock):
    sizes = clock(100_000, "auto", lambda size: 1.0)
    assert max(sizes) == batching.LARGEST and sum(sizes) == 100_000


def test_does_not_grow_where_one_is_as_good(clock):
    sizes = clock(1000, "auto", float)
    assert sizes[:2] == [16, 32] and set(sizes[2:-1]) == {16}


def test_memory_ends_the_growth():
    batches, sizes = Batches("auto", CPU), []
    for part in batches.ranges(1000):
        if len(part) > 40:
            batches.too_large()
            continue
        sizes += [part]
    assert [number for part in sizes for number in part] == list(range(1000))
    assert max(map(len, sizes)) <= 40


def test_what_is_out_of_memory():
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(RuntimeError) as host:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(host.value)
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
