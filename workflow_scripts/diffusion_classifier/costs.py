"""What a config will cost before anything runs: evaluations, jobs and device hours per table."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from . import class_lists
from .datasets import EXAMPLES
from .datasets.folder import Folder, folder
from .datasets.sizes import class_count, expected_size
from .messages import InputError
from .methods import baseline_spec, method_names, split_seed, stages_of, training_set
from .schedules import stage_samples


@dataclass(frozen=True)
class Cost:
    """The network evaluations of one method on one data set; None is what cannot be known yet.

    `per_image` is a mean: with several prompts per class, stages keep classes. `jobs` are those
    that measure errors; `rate` is evaluations/s of one device, as the config states it; `prompts`
    are an image's candidates (None also where there are no pairs: features and sampling);
    `counted` is the earlier table that has the same evaluations, which are done only once.
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

    @property
    def evaluations(self) -> float | None:
        known = self.images is not None and self.per_image is not None
        return self.images * self.per_image if known else None

    @property
    def hours(self) -> float | None:
        """Device hours."""
        known = self.evaluations is not None and self.rate is not None
        return self.evaluations / self.rate / 3600 if known else None


def estimate(config: dict[str, Any]) -> list[Cost]:
    """All that the tables of a checked `config` have computed by diffusion models, in order.

    What two tables share has a row in both, and `counted` in the second. Training is left out.
    """
    first: dict[tuple[str, str], str] = {}
    costs = []
    for table, spec in config["tables"].items():
        for cost in _of_table(config, table, spec):
            counted = first.setdefault((cost.method, cost.dataset), table)
            costs.append(cost if counted == table else replace(cost, counted=counted))
    return costs


def evaluations_per_image(stages: dict[str, Any], classes: float, per_class: float) -> float:
    """Prompts still in × samples newly evaluated, summed over the stages (paper, section 3.3)."""
    samples = stage_samples(stages["samples"], stages.get("trials", 1), stages.get("grid"))
    left = [classes, *(min(classes, keep) for keep in stages["keep"][:-1])]
    return sum(kept * per_class * len(new) for kept, new in zip(left, samples, strict=True))


def _of_table(config: dict[str, Any], table: str, spec: dict[str, Any]) -> Iterator[Cost]:
    datasets = spec.get("datasets") or [spec["dataset"]]
    wanted = [*product(spec["methods"], datasets)]
    if curves := spec.get("curves"):
        wanted += product([curves["evaluation"]], curves.get("datasets") or [curves["dataset"]])
    if trend := spec.get("trend"):
        wanted += product(trend["methods"], trend.get("datasets", datasets))
    for name, dataset in dict.fromkeys(wanted):
        if name in config["evaluations"]:
            yield _of_evaluation(config, table, name, dataset)
    for method in method_names(config)["baseline"]:
        if split_seed(config, method)[0] in spec["methods"]:  # a table lists it without its seeds
            yield from _of_probe(config, table, method, datasets)
    for name in _made_of(config, spec["methods"], datasets):
        if "model" in config["datasets"][name]:
            yield _of_sampling(config, table, name)


def _of_evaluation(config: dict[str, Any], table: str, name: str, dataset: str) -> Cost:
    spec, data = config["evaluations"][name], config["datasets"][dataset]
    stages = stages_of(config, name, dataset)
    jobs = len(stages["samples"]) * data.get("shards", 1) * spec.get("class_parts", 1)
    candidates = _candidates(config, dataset)
    per_image = None if candidates is None else evaluations_per_image(stages, *candidates)
    prompts = None if candidates is None else candidates[0] * candidates[1]
    images = _images(config, dataset)
    return Cost(table, name, dataset, images, per_image, jobs, spec.get("rate"), prompts)


def _of_probe(config: dict, table: str, method: str, datasets: list[str]) -> Iterator[Cost]:
    """Features: of what it is fitted on at all timesteps, then at the one that was chosen."""
    spec = baseline_spec(config, method)
    if spec["kind"] != "probe":
        return
    passes = Counter(datasets)
    for task in {config["datasets"][name]["prompts"]: None for name in datasets}:
        for name in spec["tasks"][task].values():
            passes[name] += len(spec["timesteps"])
    rate = _rate(config, spec["model"])
    for name, count in passes.items():
        yield Cost(table, method, name, _images(config, name), count, 0, rate)


def _of_sampling(config: dict[str, Any], table: str, name: str) -> Cost:
    spec = config["datasets"][name]
    # classifier-free guidance evaluates the empty prompt too
    per_image = spec["steps"] * (1 if spec["guidance"] == 1 else 2)
    method, rate = f"{spec['model']} (sampling)", _rate(config, spec["model"])
    return Cost(table, method, name, _images(config, name), per_image, 0, rate)


def _made_of(config: dict[str, Any], methods: list[str], datasets: list[str]) -> list[str]:
    """The data sets of a table, those its baselines learn from, and those they are chosen from."""
    names = list(datasets)
    asked = {config["datasets"][name]["prompts"] for name in datasets}
    for spec in (config["baselines"].get(method, {}) for method in methods):
        names += [spec["train"]] if "train" in spec else []
        for task, sets in spec.get("tasks", {}).items():
            names += [sets["train"]] if task in asked else []
    for name in names:  # which grows meanwhile
        spec = config["datasets"][name]
        if "pool" in spec:
            others = (spec["pool"], training_set(config, spec["wrong_by"]))
            names += [other for other in others if other not in names]
    return list(dict.fromkeys(names))


def _rate(config: dict[str, Any], model: str) -> float | None:
    """Evaluations/s of a model, as the first evaluation of it that states them has it."""
    rates = [e.get("rate") for e in config["evaluations"].values() if e["model"] == model]
    return next((rate for rate in rates if rate), None)


def _images(config: dict[str, Any], name: str) -> int | None:
    """Images of a data set: of Winoground two for each example."""
    spec = config["datasets"][name]
    if "model" in spec:
        candidates = _candidates(config, name)
        return None if candidates is None else spec["per_class"] * candidates[0]
    if "limit" in spec:
        size = spec["limit"]
    else:
        size = expected_size(spec)
        if spec["source"] == "folder" and "indices" not in spec and (files := _opened(spec)):
            size = len(files) * spec.get("copies", 1)
        if size is None:
            return None
        size -= spec.get("skip", 0)
    return 2 * size if spec.get("source") in EXAMPLES else size


def _opened(spec: dict[str, Any]) -> Folder | None:
    try:
        return folder(spec["path"], spec.get("metadata"))
    except InputError:  # said by the job that reads it, or not there yet
        return None


def _candidates(config: dict[str, Any], dataset: str) -> tuple[int, float] | None:
    """The classes an image is asked about, and how many prompts a class has on average."""
    data = config["datasets"][dataset]
    spec = config["prompts"][data["prompts"]]
    if data.get("source") in EXAMPLES:
        return 2 + bool(spec.get("unconditional")), 1
    if "file" in spec:
        return _in_file(spec["file"])
    templates = len(spec.get("templates", ["{}"]))
    if "captions" in spec:
        classes = _classes(config["datasets"][spec["captions"]])
        return None if classes is None else (classes, templates)
    if isinstance(spec["classes"], list):
        return len(spec["classes"]), templates
    classes = class_lists.class_count(spec["classes"])
    return classes, len(class_lists.class_rows(spec["classes"])) / classes * templates


def _classes(spec: dict[str, Any]) -> int | None:
    if spec.get("source") == "folder":
        files = _opened(spec)
        return None if files is None else len(files.class_names)
    return class_count(spec) if "source" in spec else None


def _in_file(path: str) -> tuple[int, float] | None:
    """`_candidates` of a file of prompts; pandas would take longer to import than all else."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["prompt"] or row["classname"]]
            classes = len({int(row["classidx"]) for row in rows})
            return classes, len(rows) / classes
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError, csv.Error):
        return None  # the job that reads it says what is wrong


def render(costs: list[Cost], jobs: int | None = None) -> str:
    """The estimate as text: a block per table with its sum, then the whole.

    `jobs` is how many of the jobs that measure errors are still to be run, where it is known.
    """
    lines = []
    for table in dict.fromkeys(cost.table for cost in costs):
        rows = [cost for cost in costs if cost.table == table]
        lines += [
            table,
            *_aligned([_HEADER, *map(_cells, _grouped(rows))]),
            f"  sum: {_sum(rows)}",
            "",
        ]
    lines.append(f"all tables: {_sum([cost for cost in costs if not cost.counted])}")
    if jobs is not None:
        lines.append(f"{jobs:,} of the jobs are still to be run; the table counts those done, too.")
    if any(cost.counted for cost in costs):
        lines.append("*: another table above has the same; in all tables it is counted once.")
    if any(cost.rate for cost in costs):
        lines.append(
            "Hours are of one device at the rate (evaluations/s) stated in the config, not measured here."
        )
    if any(cost.rate is None for cost in costs):
        lines.append(
            "State a `rate` (evaluations/s) in `evaluations` for the hours of what has none."
        )
    return "\n".join([*lines, _OMITTED])


_HEADER = ("", "data set", "images", "prompts", "per image", "evaluations", "rate", "jobs", "time")
_OMITTED = "Not counted: training, encoding images and prompts, loading models, figures."


def _grouped(rows: list[Cost]) -> list[Cost]:
    """`rows`, those of one method without errors jobs together: 27 sets of features are one line."""
    groups: dict[tuple, list[Cost]] = {}
    for row in rows:
        key = (row.method, row.counted, row.dataset if row.jobs else "")
        groups.setdefault(key, []).append(row)
    return [group[0] if len(group) == 1 else _together(group) for group in groups.values()]


def _together(group: list[Cost]) -> Cost:
    label, known = f"{len(group)} sets", all(row.evaluations is not None for row in group)
    images = sum(row.images for row in group) if known else None
    mean = sum(row.evaluations for row in group) / images if known else None
    return replace(group[0], dataset=label, images=images, per_image=mean)


def _aligned(cells: list[tuple[str, ...]]) -> list[str]:
    """Lines of columns, names to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = ["<", "<", *">" * (len(widths) - 2)]
    return [
        "  "
        + "  ".join(f"{c:{s}{w}}" for c, s, w in zip(line, sides, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cells(cost: Cost) -> tuple[str, ...]:
    numbers = (cost.images, cost.prompts, cost.per_image, cost.evaluations, cost.rate)
    texts = [_number(value) for value in numbers]
    if not cost.jobs:  # there are no pairs
        texts[1] = ""
    method = cost.method + "*" * bool(cost.counted)
    return (method, cost.dataset, *texts, f"{cost.jobs:,}" if cost.jobs else "", _time(cost.hours))


def _sum(rows: list[Cost]) -> str:
    evaluations, hours = [row.evaluations for row in rows], [row.hours for row in rows]
    jobs, total = sum(row.jobs for row in rows), sum(filter(None, evaluations))
    text = f"{'at least ' * (None in evaluations)}{_number(total)} evaluations"
    text += f" in {jobs:,} job{'s' * (jobs != 1)}"
    if any(hours):
        text += f", {'at least ' * (None in hours)}{_time(sum(filter(None, hours)))} of a device"
    return text


def _number(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def _time(hours: float | None) -> str:
    if hours is None:
        return "?"
    if hours < 1:
        return f"{60 * hours:.0f} min" if hours >= 1 / 60 else "< 1 min"
    return f"{hours:,.0f} h" if hours < 48 else f"{hours / 24:,.1f} d"
