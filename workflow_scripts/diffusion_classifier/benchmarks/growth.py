"""How the cost of a run grows with its classes, images and timesteps."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pandas as pd

from .subjects import Subject
from .throughput import all_pairs, check_same, spaced_samples

COLUMNS = ["varied", "count", "engine", "repeat", "evaluations", "seconds"]


def growth(subject: Subject, counts: Mapping[str, Sequence[int]], repeats: int) -> pd.DataFrame:
    """Seconds of both ways (COLUMNS), of `counts` of each of classes, images and timesteps.

    While one varies, the others stay at the middle of their counts. Sizes and engines take turns
    in each repeat. Raises FloatingPointError if the two ways do not find the same.
    """
    middle = {name: sorted(of)[len(of) // 2] for name, of in counts.items()}
    images = subject.first_images(max(counts["images"]), "benchmark.growth.images")
    subject.check_prompts(max(counts["classes"]), "benchmark.growth.classes")
    rows = []
    for repeat in range(repeats):
        for varied, of in counts.items():
            for count in of:
                size = middle | {varied: count}
                pairs = all_pairs(images[: size["images"]], size["classes"])
                samples, found = spaced_samples(size["timesteps"]), {}
                for engine, run in subject.runs(pairs, samples).items():
                    start = time.perf_counter()
                    found[engine] = run()
                    seconds = time.perf_counter() - start
                    evaluations = len(pairs) * len(samples)
                    rows.append([varied, count, engine, repeat, evaluations, seconds])
                check_same(found["plain"], found["engine"], subject.dtype)
    return pd.DataFrame(rows, columns=COLUMNS)
