"""The schema of a config: config/schema.yaml, completed from the registries of the library.

A mapping in config/schema.yaml with `$registry: WHAT` is replaced by an entry of `_CONTENTS`; other
keys of the mapping are added to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from diffusion_classifier.baselines.registry import BASELINES, baseline
from diffusion_classifier.data.choosing.shifts import SHIFTS
from diffusion_classifier.data.sources.registry import SOURCES, source
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.engine.loss_names import LOSSES
from diffusion_classifier.selection.searches import SEARCHES, search_class
from diffusion_classifier.tables.kinds import KINDS
from diffusion_classifier.training.registry import TRAINERS

from .methods import MODEL_FAMILIES

Schema = dict[str, Any]


def read_schema(path: Path) -> Schema:
    """The schema in the YAML file at `path`, completed."""
    return _filled(_parsed(path.read_text(encoding="utf-8")))


@cache
def _parsed(text: str) -> Any:
    """The content of a YAML document, which nobody changes: parsing takes longer than a check."""
    return yaml.safe_load(text)


def source_keys() -> Schema:
    """The schemas of the keys that only some sources of images have."""
    return _merged(source(name).keys for name in SOURCES)


def _filled(node: Any) -> Any:
    if isinstance(node, list):
        return [_filled(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    rest = {key: _filled(value) for key, value in node.items() if key != "$registry"}
    if "$registry" not in node:
        return rest
    found = _CONTENTS[node["$registry"]]()
    return found | rest if rest else found


def _merged(parts: Iterable[Schema]) -> Schema:
    """All keys of `parts`; raises ValueError if two of them give one key different schemas."""
    found: Schema = {}
    for part in parts:
        for key, schema in part.items():
            if found.setdefault(key, schema) != schema:
                raise ValueError(f"the key `{key}` is registered with two schemas")
    return found


def _baseline_needs() -> list[Schema]:
    """The required keys of an entry of `baselines`, by its kind."""
    needs = [
        {"if": _has("kind", name), "then": {"required": list(baseline(name).needs)}}
        for name in BASELINES
        if baseline(name).needs
    ]
    learning = [name for name in BASELINES if baseline(name).learns]
    # `check_old_spelling` answers entries with the old key `train`
    without_train = _has("kind", *learning) | {"not": {"required": ["train"]}}
    return [*needs, {"if": without_train, "then": {"required": ["tasks"]}}]


def _model_needs() -> list[Schema]:
    """The required keys of an entry of `models`, and the schema of its recipe, by its family."""
    recipes = [
        {"if": _has("family", name), "then": {"properties": {"training": trainer.recipe}}}
        for name, trainer in TRAINERS.items()
    ]
    is_diffusion = _has("family", *FAMILIES)
    return [{"if": is_diffusion, "then": {"required": ["latent_shape"]}}, *recipes]


def _has(key: str, *values: str) -> Schema:
    return {"properties": {key: {"enum": list(values)}}}


_CONTENTS: dict[str, Callable[[], Any]] = {
    "sources": lambda: list(SOURCES),
    "keys of sources": source_keys,
    "shifts": lambda: list(SHIFTS),
    "families": lambda: list(MODEL_FAMILIES),
    "needs of families": _model_needs,
    "baselines": lambda: list(BASELINES),
    "keys of baselines": lambda: _merged(baseline(name).keys for name in BASELINES),
    "needs of baselines": _baseline_needs,
    "searches": lambda: list(SEARCHES),
    "keys of searches": lambda: _merged(search_class(name).keys for name in SEARCHES),
    "kinds of tables": lambda: list(KINDS),
    "losses": lambda: list(LOSSES),
    "losses of a table": lambda: [*LOSSES, "pruning"],
}
