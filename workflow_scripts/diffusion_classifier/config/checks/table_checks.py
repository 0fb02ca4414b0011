"""Check `tables`: that their data sets, methods and figures exist and fit together."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from diffusion_classifier.baselines.registry import BASELINES, baseline
from diffusion_classifier.data.sources.registry import (
    SOURCES,
    has_examples,
    has_own_captions,
    source,
)
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.tables.kinds import KINDS

from ..methods import drawn_by, groups_of, stages_of, version_of
from .baseline_checks import check_answers

_METHODS = ("evaluations", "weightings", "baselines")
"""Sections of the config whose entries are methods of tables."""


def check_kinds(config: Any) -> None:
    """Refuse a table without a `kind`, as in old configs, with a message that says what to write.

    This check comes before that of the schema, whose message is less helpful.
    """
    tables = config.get("tables") if isinstance(config, dict) else None
    for name, spec in (tables if isinstance(tables, dict) else {}).items():
        if not isinstance(spec, dict) or spec.get("kind") in KINDS:
            continue
        found = f"the kind {spec['kind']!r}" if "kind" in spec else "no `kind`"
        likely = {"winoground": "compositional"}.get(name, name)
        kind = likely if likely in KINDS else "compositional" if "dataset" in spec else "accuracy"
        raise InputError(
            f"tables.{name}: found {found}, expected one of {', '.join(KINDS)}; write "
            f"`kind: {kind}`"
        )


def check_tables(config: dict[str, Any]) -> None:
    """Check all entries of `tables`."""
    checks = {
        "robustness": _check_robustness,
        "accuracy": _check_accuracy,
        "self-bench": _check_self_bench,
        "compositional": _check_compositional,
        "matching": _check_matching,
    }
    for name, spec in config["tables"].items():
        _check_methods(config, name, spec)
        checks[spec["kind"]](config, f"tables.{name}", spec)
        if spec.get("loss") == "pruning" and "curves" in spec:
            raise InputError(
                f"tables.{name}.loss: found `pruning`, expected the name of a loss, as the "
                "evaluations of `curves` do not prune; change it or leave `curves` out"
            )
        if "published" in spec:
            _check_published(config, name, spec)


def _check_methods(config: dict[str, Any], table: str, spec: dict[str, Any]) -> None:
    key = f"tables.{table}.methods"
    for name in spec["methods"]:
        known(key, name, [n for section in _METHODS for n in config[section]], "method")
    evaluations = [name for name in spec["methods"] if name in config["evaluations"]]
    _check_labels(config, key, spec["methods"])
    if not evaluations:
        raise InputError(
            f"{key}: found no evaluation among them, expected at least one; add one of "
            + ", ".join(f"`{name}`" for name in config["evaluations"])
        )


def _check_labels(
    config: dict[str, Any], key: str, names: Iterable[str], versions: bool = False
) -> None:
    """Check that methods (or, with `versions`, model versions) and data sets have different labels.

    A table would average two methods with the same label, like seeds of one, and would show two
    data sets with the same label in one column.
    """
    sections = ("datasets",) if key.endswith(".datasets") else _METHODS
    seen: dict[str, str] = {}
    for name in dict.fromkeys(names):
        section = next(section for section in sections if name in config[section])
        spec = config[section][name]
        label_key = "version" if versions and "version" in spec else "label"
        label = version_of(config, name) if versions else spec["label"]
        if label in seen:
            raise InputError(
                f"{section}.{name}.{label_key}: found {label!r}, which `{seen[label]}` of {key} "
                "has too, expected different labels to tell them apart; change one"
            )
        seen[label] = name


def _check_robustness(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_datasets(config, f"{key}.datasets", spec["datasets"])
    _check_baselines(config, key, spec)
    if "curves" in spec:
        evaluation, dataset = spec["curves"]["evaluation"], spec["curves"]["dataset"]
        known(f"{key}.curves.dataset", dataset, spec["datasets"], "data set of this table")
        check_single_stage(config, f"{key}.curves.evaluation", [evaluation], [dataset])


def _check_accuracy(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_datasets(config, f"{key}.datasets", spec["datasets"])
    _check_baselines(config, key, spec)
    curves = spec.get("curves", {"evaluation": "", "datasets": []})
    reconstructions = spec.get("reconstructions", {})
    parts = {
        "curves.datasets": curves["datasets"],
        "reconstructions.dataset": [reconstructions["dataset"]] if reconstructions else [],
        "confusion": spec.get("confusion", []),
        "trend.datasets": spec.get("trend", {}).get("datasets", []),
    }
    for part, names in parts.items():
        for name in names:
            known(f"{key}.{part}", name, spec["datasets"], "data set of this table")
    if curves["datasets"]:
        evaluation = curves["evaluation"]
        check_single_stage(config, f"{key}.curves.evaluation", [evaluation], curves["datasets"])
    if "trend" in spec:
        for name in spec["trend"]["methods"]:
            known(f"{key}.trend.methods", name, config["evaluations"], "evaluation")
        _check_labels(config, f"{key}.trend.methods", spec["trend"]["methods"], versions=True)


def _check_self_bench(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_datasets(config, f"{key}.datasets", spec["datasets"])
    _check_baselines(config, key, spec)
    artists = {name: drawn_by(config, name) for name in spec["datasets"]}
    evaluations = [name for name in spec["methods"] if name in config["evaluations"]]
    models = {config["evaluations"][name]["model"] for name in evaluations}
    if models.isdisjoint(artists.values()):
        raise InputError(
            f"{key}.datasets: found no drawings of {', '.join(f'`{name}`' for name in models)}, "
            "expected at least one data set that a model of the table's evaluations drew "
            "(`model`), or that is kept of one (`drawn`); add it"
        )
    for name in spec["datasets"]:
        if config["datasets"][name].get("judge") in spec["methods"]:
            raise InputError(
                f"{key}.methods: found `{config['datasets'][name]['judge']}`, the judge of "
                f"`{name}`, expected other methods, as it is right about all drawings that it "
                "kept; remove it, or choose another judge"
            )


def _check_compositional(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_datasets(config, f"{key}.dataset", [spec["dataset"]])
    _check_reads_texts(config, key, spec)
    dataset = config["datasets"][spec["dataset"]]
    if not has_examples(dataset):
        sources = [name for name in SOURCES if source(name).examples]
        raise InputError(
            f"{key}.dataset: found `{spec['dataset']}` without two images and two captions per "
            f"example, expected a data set of the source {' or '.join(sources)}; choose another"
        )
    _check_captions(config, key, spec, spec["dataset"])


def _check_matching(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    _check_datasets(config, f"{key}.datasets", spec["datasets"])
    _check_reads_texts(config, key, spec)
    for name in spec["datasets"]:
        if not has_own_captions(config["datasets"][name]):
            sources = [name for name in SOURCES if has_own_captions({"source": name})]
            raise InputError(
                f"{key}.datasets: found `{name}` without matching tasks, expected data sets of the "
                f"source {' or '.join(sources)}; choose others, or a table of another kind"
            )
        _check_captions(config, key, spec, name)


def _check_reads_texts(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    for name in set(spec["methods"]) & set(config["baselines"]):
        if not baseline(kind := config["baselines"][name]["kind"]).reads_texts:
            kinds = [kind for kind in BASELINES if baseline(kind).reads_texts]
            raise InputError(
                f"{key}.methods: found `{name}` of kind {kind}, expected evaluations and baselines "
                f"of kind {', '.join(kinds)}; remove it from this table"
            )


def _check_captions(config: dict[str, Any], key: str, spec: dict[str, Any], name: str) -> None:
    """That a data set is asked about its own captions, by evaluations that can be compared."""
    prompts = config["datasets"][name]["prompts"]
    if config["prompts"][prompts].get("captions") != name:
        raise InputError(
            f"datasets.{name}.prompts: found `{prompts}`, expected prompts "
            f"that are its own captions (`captions: {name}`); add such an entry to "
            "`prompts` and name it"
        )
    evaluations = [method for method in spec["methods"] if method in config["evaluations"]]
    for method in evaluations:
        check_choice(config, method, name)
    check_single_stage(config, f"{key}.methods", evaluations, [name])


def check_choice(config: dict[str, Any], name: str, dataset: str) -> None:
    """Check that an evaluation with a prior does not classify images with captions of their own."""
    if "prior" in config["evaluations"][name] and has_own_captions(config["datasets"][dataset]):
        raise InputError(
            f"evaluations.{name}.prior: found for the data set `{dataset}`, whose images have "
            "captions of their own, so there are no classes for a prior to choose from; leave it "
            "out, or ask an evaluation without a prior about this data set"
        )


def _check_baselines(config: dict[str, Any], key: str, spec: dict[str, Any]) -> None:
    """Check that the baselines of a table can answer the prompts of all its data sets."""
    for name, dataset in product(spec["methods"], spec["datasets"]):
        if name in config["baselines"]:
            check_answers(config, name, dataset, key)


def _check_datasets(config: dict[str, Any], key: str, names: Iterable[str]) -> None:
    for name in names:
        known(key, name, config["datasets"], "data set")
        if "prompts" not in config["datasets"][name]:
            raise InputError(
                f"datasets.{name}: found no `prompts`, expected a set of prompts, as "
                f"{key.rpartition('.')[0]} classifies its images; name one"
            )
    if key.endswith(".datasets"):
        _check_labels(config, key, names)


def check_single_stage(
    config: dict[str, Any], key: str, names: Iterable[str], datasets: Iterable[str]
) -> None:
    """Check that evaluations measure all classes at all timesteps of these data sets."""
    datasets = list(datasets)
    for name in names:
        known(key, name, config["evaluations"], "evaluation")
        schedules = [stages_of(config, name, data) for data in datasets]
        most = max(len(stages["samples"]) for stages in schedules)
        if most != 1:
            raise InputError(
                f"{key}: found `{name}` with {most} stages, expected a single "
                "stage (all classes at all timesteps); choose another or shorten its `samples` and "
                "`keep`"
            )
        left_out = [part for part in ("search", "prior") if part in config["evaluations"][name]]
        if left_out or any(groups_of(config, name, data) for data in datasets):
            part = left_out[0] if left_out else "hierarchy"
            raise InputError(
                f"{key}: found `{name}` with a `{part}`, expected an evaluation that asks about "
                "all classes; choose another or leave that out"
            )
        for stages in schedules:
            if "race" in stages or stages.get("timesteps") == "learned":
                part = "race" if "race" in stages else "timesteps: learned"
                raise InputError(
                    f"{key}: found `{name}` with `{part}`, expected all classes at evenly spaced "
                    "timesteps; choose another or take that out of its stages"
                )


def _check_published(config: dict[str, Any], table: str, spec: dict[str, Any]) -> None:
    """Check that the published numbers can be read and contain the names in the config."""
    # only configs with such a file need pandas, whose import takes half a second
    from diffusion_classifier.tables.texts.published import of_table, read_published

    key = f"tables.{table}.published"
    try:
        published = read_published(spec["published"])
    except InputError as error:
        raise InputError(f"{key}: {error}") from None
    here = of_table(published, table, spec["kind"])
    wanted = {"method": [], "dataset": []}
    for kind, column, names in (
        ("evaluations", "method", spec["methods"]),
        ("baselines", "method", spec["methods"]),
        ("datasets", "dataset", spec.get("datasets", [])),
    ):
        for name in names:
            entry = config[kind].get(name, {})
            # all names of the file are accepted, as it may have other tables; those of this table
            # are suggested
            if "published" in entry and entry["published"] not in set(published[column]):
                where = f"{kind}.{name}.published"
                known(where, entry["published"], here[column].unique(), f"published {column}")
            wanted[column].append(entry.get("published", name if kind == "datasets" else ""))
    here = here[here["method"].isin(wanted["method"])]
    if "datasets" in spec:
        here = here[here["dataset"].isin(wanted["dataset"])]
    if here.empty:
        raise InputError(
            f"{key}: found no number in {spec['published']} for the methods and data sets of this "
            "table, expected at least one; name them by `published` in their own entries (see "
            "config/README.md), or leave it out"
        )
