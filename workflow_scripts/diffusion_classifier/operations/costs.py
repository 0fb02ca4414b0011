"""Estimate the costs of a config before anything runs: evaluations, jobs and hours per table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from math import prod
from typing import Any

from diffusion_classifier.config.checks.evaluation_checks import (
    CALIBRATION_CLASSES,
    CALIBRATION_SAMPLES,
)
from diffusion_classifier.config.image_counts import candidate_counts, counts_left, image_count
from diffusion_classifier.config.methods import (
    baseline_class,
    baseline_spec,
    filter_network,
    is_shipped,
    method_names,
    prior_method,
    questions,
    split_seed,
    stages_of,
    training_set,
)
from diffusion_classifier.config.work import stage_numbers, stage_sizes, stage_work
from diffusion_classifier.selection.searches import search_class

from .cost_text import JOURNAL, at_most, longest_jobs, money, number, table_lines, time_of


@dataclass(frozen=True)
class Cost:
    """The network evaluations of one method on one data set; None if not known yet.

    `per_image` is a mean, as stages keep classes and not prompts. `jobs` counts the jobs that
    measure errors; `rate` is evaluations/s of one device, from the config; `prompts` is the number
    of an image's candidates (None without pairs, for features and sampling); `counted` is the
    earlier table with the same evaluations, which run only once; `most` says that the numbers are
    the upper limit of a race; `longest` counts the evaluations of the longest job.
    """

    table: str
    method: str
    dataset: str
    images: int | None
    per_image: float | None
    jobs: int
    rate: float | None
    prompts: float | None = None
    counted: str | None = None
    most: bool = False
    longest: float | None = None

    @property
    def evaluations(self) -> float | None:
        return None if None in (self.images, self.per_image) else self.images * self.per_image

    @property
    def hours(self) -> float | None:
        """Device hours."""
        known = None not in (self.evaluations, self.rate)
        return self.evaluations / self.rate / 3600 if known else None

    @property
    def longest_hours(self) -> float | None:
        """Device hours of the longest job."""
        return self.longest / self.rate / 3600 if self.longest and self.rate else None


def estimate(config: dict[str, Any]) -> list[Cost]:
    """The costs of diffusion models for the tables of a checked `config`, in order.

    Evaluations shared by two tables have a row in both, with `counted` in the second. Training does
    not count.
    """
    costs: list[Cost] = []
    first: dict[tuple[str, str], str] = {}
    for table, spec in config["tables"].items():
        for cost in _table_costs(config, table, spec):
            counted = first.setdefault((cost.method, cost.dataset), table)
            costs.append(replace(cost, counted=None if counted == table else counted))
    return costs


def evaluations_per_image(stages: dict[str, Any], classes: float, per_class: float) -> float:
    """Remaining prompts × new samples, summed over the stages (paper, section 3.3).

    In a race all classes count to its end, which is the upper limit of its cost.
    """
    return sum(prompts * new for prompts, new in stage_sizes(stages, classes, per_class))


def _table_costs(config: dict[str, Any], table: str, spec: dict[str, Any]) -> Iterator[Cost]:
    datasets = spec.get("datasets") or [spec["dataset"]]
    for name, dataset in questions(config, table):
        yield _evaluation_cost(config, table, name, dataset)
    yield from _calibration_costs(config, table)
    yield from _search_costs(config, table)
    priors = [(prior_method(config, name), data) for name, data in questions(config, table)]
    methods = [*spec["methods"]]
    for method in method_names(config)["baseline"]:
        entry = split_seed(config, method)[0]  # a table lists a method without its seeds
        needed = [data for name, data in priors if name == method]
        if entry in spec["methods"]:
            needed = datasets
        if needed:
            methods.append(entry)
            yield from _baseline_costs(config, table, method, needed)
    for name in _required_datasets(config, methods, datasets):
        if "model" in (data := config["datasets"][name]):
            passes = data["steps"] * (2 if data["guidance"] > 1 else 1)  # with the empty prompt
            method, rate = f"{data['model']} (sampling)", _rate(config, data["model"])
            yield Cost(table, method, name, image_count(config, name), passes, 0, rate)


def _evaluation_cost(config: dict[str, Any], table: str, name: str, dataset: str) -> Cost:
    spec, data = config["evaluations"][name], config["datasets"][dataset]
    stages, numbers = stages_of(config, name, dataset), stage_numbers(config, name, dataset)
    jobs = len(numbers) * data.get("shards", 1) * spec.get("class_parts", 1)
    works = [stage_work(config, name, dataset, number) for number in numbers]
    longest = None if None in works else max(work.evaluations for work in works)
    images, rate = image_count(config, dataset), spec.get("rate")
    counts, per_image, most = candidate_counts(config, dataset), None, "race" in stages
    if counts:
        counts, before = counts_left(config, name, dataset, *counts)
        per_image = before + evaluations_per_image(stages, *counts)
    prompts = counts and prod(counts)
    return Cost(
        table, name, dataset, images, per_image, jobs, rate, prompts, most=most, longest=longest
    )


def _calibration_costs(config: dict[str, Any], table: str) -> Iterator[Cost]:
    """The cost of learning timesteps, for each evaluation and set of prompts."""
    learned = [
        (name, config["datasets"][dataset]["prompts"], candidate_counts(config, dataset))
        for name, dataset in questions(config, table)
        if stages_of(config, name, dataset).get("timesteps") == "learned"
    ]
    for name, prompts, candidates in {pair[:2]: pair for pair in learned}.values():
        spec = config["evaluations"][name]
        samples = spec["calibration"].get("samples", CALIBRATION_SAMPLES)
        most = spec["calibration"].get("classes", CALIBRATION_CLASSES)
        per_image = candidates and min(candidates[0], most) * candidates[1] * samples
        dataset, method = spec["calibration"]["datasets"][prompts], f"{name} (calibration)"
        images = image_count(config, dataset)
        yield Cost(table, method, dataset, images, per_image, 0, spec.get("rate"))


def _search_costs(config: dict[str, Any], table: str) -> Iterator[Cost]:
    """The cost of calibrating searches, for each evaluation and set of prompts."""
    searched = {
        (name, config["datasets"][dataset]["prompts"]): candidate_counts(config, dataset)
        for name, dataset in questions(config, table)
        if "search" in config["evaluations"][name]
    }
    for (name, prompts), counts in searched.items():
        search = config["evaluations"][name]["search"]
        dataset = search["calibration"][prompts]
        kind, rate = search_class(search["kind"]), config["evaluations"][name].get("rate")
        per_image, images = (
            counts and kind.evaluations(search, counts[0]),
            image_count(config, dataset),
        )
        yield Cost(table, f"{name} (search, calibration)", dataset, images, per_image, 0, rate)
        if "learn" in search:
            dataset = search["learn"][prompts]
            per_image = counts and kind.learning_evaluations(search, counts[0])
            images, method = image_count(config, dataset), f"{name} (search, learning)"
            yield Cost(table, method, dataset, images, per_image, 0, rate)


def _baseline_costs(config: dict, table: str, method: str, datasets: list[str]) -> Iterator[Cost]:
    """Passes of a diffusion model for a baseline, over its training and test images."""
    spec, kind = baseline_spec(config, method), baseline_class(config, method)
    training_passes, test_passes = kind.passes(spec)
    if not training_passes + test_passes:
        return
    passes = Counter()
    for name in datasets:
        passes[name] += test_passes
    for task in {config["datasets"][name]["prompts"]: None for name in datasets}:
        for name in spec["tasks"][task].values() if kind.learns else ():
            passes[name] += training_passes
    rate = _rate(config, spec["model"])
    for name, n in passes.items():
        yield Cost(table, method, name, image_count(config, name), n, 0, rate)


def _required_datasets(
    config: dict[str, Any], methods: list[str], datasets: list[str]
) -> list[str]:
    """The data sets of a table, those for training its methods, and the pools of these."""
    names, prompts = list(datasets), {config["datasets"][name]["prompts"] for name in datasets}
    for spec in (config["baselines"].get(method, {}) for method in methods):
        if is_shipped(spec):
            continue
        names += [sets["train"] for task, sets in spec.get("tasks", {}).items() if task in prompts]
    for name in names:  # the loop appends further names
        if "pool" in (spec := config["datasets"][name]):
            network = filter_network(config, name)
            trained = not is_shipped(baseline_spec(config, network))
            others = [spec["pool"], *([training_set(config, network)] if trained else [])]
            names += [other for other in others if other not in names]
        if "drawn" in spec and spec["drawn"] not in names:
            names.append(spec["drawn"])
    return list(dict.fromkeys(names))


def _rate(config: dict[str, Any], model: str) -> float | None:
    """Evaluations/s of a model: the `rate` of its first evaluation that has one."""
    specs = (spec for spec in config["evaluations"].values() if spec["model"] == model)
    return next((spec["rate"] for spec in specs if "rate" in spec), None)


def render(costs: list[Cost], compute: dict[str, Any] | None = None) -> str:
    """The estimate as text; `compute` is that section of the config."""
    lines, compute = [], compute or {}
    price = compute.get("price_per_hour")
    for table in dict.fromkeys(cost.table for cost in costs):
        rows = [cost for cost in costs if cost.table == table]
        cells = [_HEADER, *map(_cells, _grouped(rows))]
        lines += [table, *table_lines(cells), f"  sum: {_sum(rows, price)}", ""]
    lines.append(f"all tables: {_sum([cost for cost in costs if not cost.counted], price)}")
    known = [cost for cost in costs if cost.longest_hours and not cost.counted]
    lines += longest_jobs(known, price, compute.get("journal", JOURNAL)) if known else []
    lines += [_SHARED] if any(cost.counted for cost in costs) else []
    lines += [_RACES] if any(cost.most for cost in costs) else []
    lines += [_STATED] if any(cost.rate for cost in costs) else []
    lines += [_NOT_STATED] if not all(cost.rate for cost in costs) else []
    return "\n".join([*lines, _OMITTED])


_HEADER = ("", "data set", "images", "prompts", "per image", "evaluations", "rate", "jobs", "time")
_SHARED = "*: an earlier table has the same; among all tables it is counted once."
_RACES = "≤: a race ends as soon as one class is left, often after a tenth of that or less."
_STATED = "Time is one device's, at the rate (evaluations/s) the config states, not measured here."
_NOT_STATED = "State a `rate` (evaluations/s) in `evaluations` for the time of what has none."
_OMITTED = "Not counted: training, encoding images and prompts, loading models, figures."


def _grouped(rows: list[Cost]) -> Iterator[Cost]:
    """`rows` with one row for all data sets of a probe or a sampling model, if all are known."""
    for _, group in groupby(rows, lambda row: (row.method, row.counted, row.jobs and row.dataset)):
        same = list(group)
        counts = [row.evaluations for row in same]
        if len(same) > 1 and None not in counts:
            images, label = sum(row.images for row in same), f"{len(same)} sets"
            same = [replace(same[0], dataset=label, images=images, per_image=sum(counts) / images)]
        yield from same


def _cells(cost: Cost) -> tuple[str, ...]:
    # features and sampling have no pairs
    prompts, jobs = (number(cost.prompts), f"{cost.jobs:,}") if cost.jobs else ("", "")
    names = cost.method + "*" * bool(cost.counted), cost.dataset
    spent = (at_most(cost.most, number(count)) for count in (cost.per_image, cost.evaluations))
    time = at_most(cost.most, time_of(cost.hours))
    return (*names, number(cost.images), prompts, *spent, number(cost.rate), jobs, time)


def _sum(rows: list[Cost], price: float | None = None) -> str:
    evaluations, hours = [row.evaluations for row in rows], [row.hours for row in rows]
    jobs, total = sum(row.jobs for row in rows), sum(filter(None, evaluations))
    least = "at least " * (None in evaluations)
    least = least or "at most " * any(row.most for row in rows)
    text = f"{least}{number(total)} evaluations in {jobs:,} job{'s' * (jobs != 1)}"
    if any(hours):
        spent = sum(filter(None, hours))
        text += f", {'at least ' * (None in hours)}{time_of(spent)} of a device"
        text += money(spent, price)
    return text
