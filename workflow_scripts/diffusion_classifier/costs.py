"""What a config will cost before anything runs: evaluations, jobs and GPU hours per table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import class_lists
from .datasets.folder import fingerprint
from .datasets.sizes import expected_size
from .messages import InputError
from .methods import baseline_spec, method_names, stages_of
from .schedules import stage_samples


@dataclass(frozen=True)
class Cost:
    """The network evaluations of one method on one data set; None is what cannot be known yet.

    `per_image` is a mean: with several prompts per class, stages keep classes. `jobs` are those
    that measure errors; `rate` is evaluations/s of one device, as the config states it.
    """

    table: str
    method: str
    dataset: str
    images: int | None
    per_image: float | None
    jobs: int
    rate: float | None

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

    What two tables share is counted with the first. Training is not counted.
    """
    found: dict[tuple[str, str], Cost] = {}
    for table, spec in config["tables"].items():
        for cost in _of_table(config, table, spec):
            found.setdefault((cost.method, cost.dataset), cost)
    return list(found.values())


def evaluations_per_image(
    stages: dict[str, Any], classes: float, prompts_per_class: float
) -> float:
    """Prompts still in × samples newly evaluated, summed over the stages (paper, section 3.3)."""
    samples = stage_samples(stages["samples"], stages.get("trials", 1), stages.get("grid"))
    left = [classes, *(min(classes, keep) for keep in stages["keep"][:-1])]
    return sum(
        count * prompts_per_class * len(new) for count, new in zip(left, samples, strict=True)
    )


def _of_table(config: dict[str, Any], table: str, spec: dict[str, Any]) -> Iterator[Cost]:
    datasets = spec.get("datasets") or [spec["dataset"]]
    wanted = [(name, dataset) for name in spec["methods"] for dataset in datasets]
    if "curves" in spec:
        curves = spec["curves"]
        own = curves.get("datasets") or [curves["dataset"]]
        wanted += [(curves["evaluation"], dataset) for dataset in own]
    if "trend" in spec:
        trend = spec["trend"]
        own = trend.get("datasets", datasets)
        wanted += [(name, dataset) for name in trend["methods"] for dataset in own]
    for name, dataset in wanted:
        if name in config["evaluations"]:
            yield _of_evaluation(config, table, name, dataset)
    for method in method_names(config)["baseline"]:
        if method in spec["methods"] and (cost := _of_baseline(config, table, method, datasets)):
            yield cost


def _of_evaluation(config: dict[str, Any], table: str, name: str, dataset: str) -> Cost:
    spec, data = config["evaluations"][name], config["datasets"][dataset]
    stages = stages_of(config, name, dataset)
    jobs = len(stages["samples"]) * data.get("shards", 1) * spec.get("class_parts", 1)
    images, candidates = _images(config, dataset), _candidates(config, dataset)
    if data.get("source") in ("winoground", "scenes-winoground") and images is not None:
        images = 2 * images
    per_image = None if candidates is None else evaluations_per_image(stages, *candidates)
    return Cost(table, name, dataset, images, per_image, jobs, spec.get("rate"))


def _of_baseline(
    config: dict[str, Any], table: str, method: str, datasets: list[str]
) -> Cost | None:
    """Features of a probe, or images sampled to train a network on; all its data sets together."""
    baseline = baseline_spec(config, method)
    asked = {config["datasets"][name]["prompts"] for name in datasets}
    tasks = [sets for task, sets in baseline.get("tasks", {}).items() if task in asked]
    fitted = list(dict.fromkeys(name for sets in tasks for name in sets.values()))
    if baseline["kind"] == "probe":
        names, model = [*fitted, *datasets], baseline["model"]
        per_image = {name: len(baseline["timesteps"]) for name in names}
    else:
        names = [name for name in fitted if "model" in config["datasets"][name]]
        if not names:
            return None
        specs = {name: config["datasets"][name] for name in names}
        model = specs[names[0]]["model"]
        # classifier-free guidance evaluates the empty prompt too
        per_image = {n: s["steps"] * (1 if s["guidance"] == 1 else 2) for n, s in specs.items()}
    images = {name: _images(config, name) for name in names}
    label, rate = f"{len(names)} sets", _rate(config, model)
    if None in images.values():
        return Cost(table, method, label, None, None, 0, rate)
    total = sum(images.values())
    mean = sum(images[name] * per_image[name] for name in names) / total
    return Cost(table, method, label, total, mean, 0, rate)


def _rate(config: dict[str, Any], model: str) -> float | None:
    """Evaluations/s of a model, as an evaluation of it states them."""
    rates = [e.get("rate") for e in config["evaluations"].values() if e["model"] == model]
    return next((rate for rate in rates if rate), None)


def _images(config: dict[str, Any], name: str) -> int | None:
    """Images of a data set; of Winoground, its examples."""
    spec = config["datasets"][name]
    if "model" in spec:
        candidates = _candidates(config, name)
        return None if candidates is None else spec["per_class"] * candidates[0]
    if "limit" in spec:
        return spec["limit"]
    if spec["source"] == "folder":
        try:
            files = fingerprint(spec["path"], spec.get("metadata"))
        except InputError:
            return None
        return len(files) - ("metadata" in spec)
    size = expected_size(spec)
    return None if size is None else size - spec.get("skip", 0)


def _candidates(config: dict[str, Any], dataset: str) -> tuple[int, float] | None:
    """The classes of a data set's prompts, and how many prompts a class has on average."""
    spec = config["prompts"][config["datasets"][dataset]["prompts"]]
    if config["datasets"][dataset].get("source") in ("winoground", "scenes-winoground"):
        return 2 + bool(spec.get("unconditional")), 1
    if "file" in spec:
        from .prompts import named_prompts, read_prompts

        prompts = named_prompts(read_prompts(spec["file"]))
        classes = prompts["classidx"].nunique()
        return classes, len(prompts) / classes
    if "captions" in spec:
        return _classes_of_folder(
            config["datasets"][spec["captions"]], len(spec.get("templates", [1]))
        )
    if isinstance(spec["classes"], list):
        return len(spec["classes"]), len(spec["templates"])
    classes = class_lists.class_count(spec["classes"])
    rows = len(class_lists.class_rows(spec["classes"]))
    return classes, rows / classes * len(spec["templates"])


def _classes_of_folder(spec: dict[str, Any], templates: int) -> tuple[int, float] | None:
    if spec.get("source") != "folder" or "metadata" in spec:
        return None
    try:
        files = fingerprint(spec["path"])
    except InputError:
        return None
    return len({name.split("/")[0] for name in files}), templates


def render(costs: list[Cost]) -> str:
    """The estimate as text: a block per table with its sum, then the whole."""
    lines = []
    for table in dict.fromkeys(cost.table for cost in costs):
        rows = [cost for cost in costs if cost.table == table]
        lines += [f"{table}", *_block(rows), ""]
    lines.append(f"all tables: {_sum(costs)}")
    if any(cost.rate for cost in costs):
        lines.append(
            "Hours are of one device, at the `rate` (evaluations/s) that the config states for "
            "each evaluation; training, encoding images and loading models are not counted."
        )
    else:
        lines.append("State a `rate` (evaluations/s) in `evaluations` for an estimate of hours.")
    return "\n".join(lines)


_HEADER = ("", "data set", "images", "per image", "evaluations", "rate", "jobs", "GPU time")


def _block(rows: list[Cost]) -> list[str]:
    cells = [_HEADER, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    return [f"  {line}" for line in [*lines, f"sum: {_sum(rows)}"]]


def _cells(cost: Cost) -> tuple[str, ...]:
    return (
        cost.method,
        cost.dataset,
        _number(cost.images),
        _number(cost.per_image),
        _number(cost.evaluations),
        _number(cost.rate),
        str(cost.jobs) if cost.jobs else "",
        _time(cost.hours),
    )


def _sum(rows: list[Cost]) -> str:
    evaluations = [cost.evaluations for cost in rows]
    hours = [cost.hours for cost in rows]
    least = "at least " if None in evaluations else ""
    text = f"{least}{_number(sum(filter(None, evaluations)))} evaluations"
    text += f" in {sum(cost.jobs for cost in rows):,} jobs"
    if any(hours):
        text += (
            f", {'at least ' if None in hours else ''}{_time(sum(filter(None, hours)))} of a GPU"
        )
    return text


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _time(hours: float | None) -> str:
    if hours is None:
        return "?"
    if hours < 1:
        return f"{60 * hours:.0f} min"
    return f"{hours:,.0f} h" if hours < 48 else f"{hours:,.0f} h ({hours / 24:,.0f} d)"
