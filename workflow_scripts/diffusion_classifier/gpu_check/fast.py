"""Measure the speed of published networks: the authors' loop and the engine take turns.

Weights are random, as they do not affect the speed. FLOPs are those of one plain evaluation,
counted by PyTorch, so the share of the peak counts work that the engine saves by sharing;
`share_computed` counts only the FLOPs that the engine computes.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch

from diffusion_classifier.benchmarks import timed_networks
from diffusion_classifier.benchmarks.flops import evaluation_flops, matmul_peak, run_flops
from diffusion_classifier.benchmarks.full_size import FULL_SIZE, FullSize, tiny
from diffusion_classifier.benchmarks.throughput import (
    Errors,
    all_pairs,
    check_same,
    spaced_samples,
    take_turns,
)
from diffusion_classifier.denoisers.speed import WORTH_COMPILING

from .check import Check, Part
from .ways import LOOP, SLACK, Runner, Way, chosen_way, dtype_name, fastest_within

NETWORKS = {
    "sd-2": "stable-diffusion-2",
    "dit-512": "dit-xl-2-512",
    "sd-1.5": "stable-diffusion-1.5",
    "dit-256": "dit-xl-2",
    "sd-2.1-96": "stable-diffusion-2.1",
    "sdxl": "stable-diffusion-xl",
}
"""The parts and their networks, the most important first."""
TIMES_THE_LOOP = {"sd-2": 2.0, "dit-512": 1.8}
SHARE_OF_PEAK = {"sd-2": 0.6}
"""Values that the engine with default settings has to reach on one GPU in half precision."""

HALF = (torch.bfloat16, torch.float16)
IMAGES, PROMPTS = 2, 8
STEP = 4
"""The number of samples is a multiple of STEP, so that passes of loop and engine are full."""
MOST_SAMPLES = 400
SECONDS = 1.0
"""Length of a run of the loop; the engine waits for the GPU only at the end of a run."""
COMPILING = {"dit": 45.0, "stable-diffusion": 75.0, "stable-diffusion-xl": 150.0}
"""Assumed maximal seconds of the first compilation of a network."""
COMPILED_IN_REHEARSAL = "dit-512"


@dataclass(frozen=True)
class Timing:
    """Evaluations per second of one way in each turn, and their ratios to the loop's."""

    rates: list[float]
    ratios: list[float]


class Contest:
    """All ways to run one network, with the timing of each by its label."""

    def __init__(self, check: Check, network: str, spec: FullSize) -> None:
        self.check, self.network, self.spec = check, network, spec
        self.plain = timed_networks.full_size(spec, check.device, torch.float16)
        prompts, most = (4, STEP) if check.rehearse else (PROMPTS, MOST_SAMPLES)
        self.inputs = timed_networks.random_inputs(spec, IMAGES, prompts, most)
        self.pairs = all_pairs(range(IMAGES), prompts)
        self.rounds = 2 if check.rehearse else 3
        self.timings: dict[str, Timing] = {}
        self.runners: dict[str, Runner] = {}
        self.compiling, self.comparing = COMPILING[spec.family], 0.0  # seconds to be expected
        sizes = (128,) if check.rehearse else None
        self.peak = {dtype: matmul_peak(check.device, dtype, sizes) for dtype in HALF}
        condition = {name: value[:1] for name, value in self.inputs.conditions.items()}
        self.flops = evaluation_flops(self.plain.network, condition)
        self.computed = self.flops
        self.loop = Runner(LOOP, self.plain, self.inputs, 0, check.device)
        self.samples = spaced_samples(self._enough())
        self.batch = self._batch()

    def run(self) -> None:
        """Measure all ways, first those that are not compiled; rows are written at once."""
        check = self.check
        peaks = {f"{dtype_name(d)}_tflops": value / 1e12 for d, value in self.peak.items()}
        first = self._eager_ways()[0]
        self.computed = self._computed(first)
        of_one = {"gflops": self.flops / 1e9, "gflops_computed": self.computed / 1e9}
        check.row("peak", network=self.network, **peaks, **of_one)
        for last in (True, False):
            ways = [way for way in self._eager_ways() if way.channels_last is last]
            if not check.rehearse and check.left() < self.comparing:
                self._left_out(
                    ", ".join(way.label for way in ways), f"{check.left():.0f} s were left"
                )
            elif ways:
                self.compare(ways)
        self.judge_default(evaluations=0)
        for way in self._compiled_ways():
            try:
                self._compile(way)
            except Exception as error:  # the compiler failed; go on with the other ways
                traceback.print_exc()
                name = f"{self.network}: {way.label} can be compiled"
                check.holds(name, False, f"{type(error).__name__}: {error}")
        self.judge_default(evaluations=WORTH_COMPILING)

    def compare(self, ways: list[Way], also: list[Way] | None = None) -> None:
        """Let `ways` take turns with the loop and with `also`; write a row for each new way.

        Errors have to equal the loop's, up to the rounding of the dtype.
        """
        start = time.perf_counter()
        together = [LOOP, *ways, *(also or [])]
        runs = {way.label: partial(self._runner(way), self.pairs, self.samples) for way in together}
        for run in runs.values():
            run()
        seconds: dict[str, list[float]] = {label: [] for label in runs}
        for turn in take_turns(runs, self.rounds):
            for label, (took, _) in turn.items():
                seconds[label].append(took)
        new = [way for way in together if way.label not in self.timings]
        for way in new:
            self._hold_same(way, turn[LOOP.label][1], turn[way.label][1])
            self._write(way, seconds[way.label], seconds[LOOP.label])
        self.comparing = 1.2 * (time.perf_counter() - start)

    def judge_default(self, evaluations: int) -> None:
        """Check that the choice of `auto` for these evaluations is the fastest, and fast enough.

        Only on a GPU: the speed of tiny networks on a CPU means nothing.
        """
        way = chosen_way(self.plain, self.check.device, evaluations)
        job = "a long job" if evaluations else "a short job"
        if self.check.rehearse:
            return
        if way.label not in self.timings:
            self._left_out(f"whether auto is fast enough for {job}", f"no time for {way.label}")
            return
        among = {label: median(timing.ratios) for label, timing in self.timings.items()}
        if not way.compiled:
            among = {label: ratio for label, ratio in among.items() if "compiled" not in label}
        held, found = fastest_within(among, way.label, SLACK)
        self.check.holds(f"{self.network}: auto is the fastest for {job}", held, found)
        ratio = among[way.label]
        least = TIMES_THE_LOOP.get(self.network, 1.0) if evaluations else 1.0
        name = f"{self.network}: auto for {job} is at least {least:g} times the loop"
        self.check.holds(name, ratio >= least, f"{ratio:.2f} times")
        if evaluations and self.network in SHARE_OF_PEAK:
            share, least = self._share(way), SHARE_OF_PEAK[self.network]
            name = f"{self.network}: auto for {job} is at least {least:.0%} of the peak"
            self.check.holds(name, share >= least, f"{share:.1%}")

    def _enough(self) -> int:
        """The number of samples that takes the loop SECONDS, a multiple of STEP."""
        if self.check.rehearse:
            return STEP // 2
        run = partial(self.loop, self.pairs, spaced_samples(STEP))
        run()
        return min(MOST_SAMPLES, STEP * max(1, round(SECONDS / _seconds(run))))

    def _batch(self) -> int:
        """The size of a pass that `auto` chooses in a short job."""
        if self.check.rehearse:
            return 32
        way = chosen_way(self.plain, self.check.device, 0)
        runner = Runner(way, self.plain, self.inputs, "auto", self.check.device)
        every = spaced_samples(MOST_SAMPLES)
        while runner.engine.batches.growing and runner.batch <= len(self.pairs) * len(every):
            runner(self.pairs, every[: -(-runner.batch // len(self.pairs))])  # one pass
        return runner.batch

    def _runner(self, way: Way) -> Runner:
        if way == LOOP:
            return self.loop
        if way.label not in self.runners:
            self.runners[way.label] = Runner(
                way, self.plain, self.inputs, self.batch, self.check.device
            )
        return self.runners[way.label]

    def _eager_ways(self) -> list[Way]:
        """The ways without compilation, the most important first."""
        formats = (False,) if self.spec.family == "dit" else (True, False)
        return [Way(dtype, channels_last=last) for last in formats for dtype in HALF]

    def _compiled_ways(self) -> list[Way]:
        """The same ways compiled; in a rehearsal only one way of one network, to save time."""
        ways = [Way(way.dtype, True, way.channels_last) for way in self._eager_ways()]
        if self.check.rehearse:
            return ways[:1] if self.network == COMPILED_IN_REHEARSAL else []
        return ways

    def _compile(self, way: Way) -> None:
        """Measure a compiled way if there is time for it."""
        left = self.check.left()
        if not self.check.rehearse and left < self.compiling + self.comparing:
            self._left_out(way.label, f"{left:.0f} s were left")
            return
        first = _seconds(partial(self._runner(way), self.pairs, self.samples))
        measured = [eager for eager in self._eager_ways() if eager.label in self.timings]
        best = max(measured, key=lambda eager: median(self.timings[eager.label].ratios))
        self.compare([way], [best])
        steady = self._evaluations() / median(self.timings[way.label].rates)
        self.compiling = 1.2 * first
        took = first - steady
        self.check.row("compiling", network=self.network, way=way.label, seconds=took)

    def _computed(self, way: Way) -> float:
        """FLOPs that the engine computes per evaluation, in passes of the usual size."""
        few = self.samples[:STEP]
        runner = self._runner(way)
        total = run_flops(lambda: runner(self.pairs, few), self.check.device)
        return total / (len(self.pairs) * len(few))

    def _left_out(self, what: str, why: str) -> None:
        self.check.row("left out", network=self.network, what=what, why=why)

    def _hold_same(self, way: Way, loop: Errors, found: Errors) -> None:
        if way == LOOP:
            return
        name = f"{self.network}: {way.label} finds the loop's errors"
        try:
            apart = check_same(loop, found, way.dtype)
        except FloatingPointError as error:
            self.check.holds(name, False, str(error))
        else:
            self.check.holds(name, True, f"apart by at most {apart:.2g}")

    def _evaluations(self) -> int:
        return len(self.pairs) * len(self.samples)

    def _write(self, way: Way, seconds: list[float], loop: list[float]) -> None:
        rates = [self._evaluations() / took for took in seconds]
        ratios = [by_loop / took for by_loop, took in zip(loop, seconds, strict=True)]
        self.timings[way.label] = Timing(rates, ratios)
        runner = self._runner(way)
        computed = self.flops if way.loop else self.computed
        self.check.row(
            "evaluations per second",
            network=self.network,
            way=way.label,
            batch=runner.batch,
            rate=median(rates),
            slowest=min(rates),
            fastest=max(rates),
            times_the_loop=median(ratios),
            share_of_peak=self._share(way),
            share_computed=self._share(way) * computed / self.flops,
            peak_gib=runner.peak / 2**30,
        )

    def _share(self, way: Way) -> float:
        """FLOP/s of a way, counting plain evaluations, over those of the fastest matrix product."""
        return median(self.timings[way.label].rates) * self.flops / self.peak[way.dtype]


def _seconds(run: Callable[[], Errors]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def fast(network: str, check: Check) -> None:
    """Measure one of NETWORKS; in a rehearsal a tiny network of the same kind."""
    spec = FULL_SIZE[NETWORKS[network]]
    Contest(check, network, tiny(spec) if check.rehearse else spec).run()


def _part(network: str, seconds: float) -> Part:
    return Part(network, partial(fast, network), seconds)


FIRST = [_part("sd-2", 135), _part("dit-512", 90)]
OTHERS = [
    _part("sd-1.5", 45),
    _part("dit-256", 40),
    _part("sd-2.1-96", 50),
    _part("sdxl", 60),
]
"""Parts that run after all others, if there is time."""
