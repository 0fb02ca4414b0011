"""Check a config before anything runs; the message of a mistake is one line."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError, did_you_mean
from diffusion_classifier.names import check_line, normalised

from .checks.baseline_checks import check_baseline, check_old_spelling
from .checks.count_checks import check_counts
from .checks.dataset_checks import check_dataset
from .checks.evaluation_checks import (
    check_calibrations,
    check_evaluation,
    check_hierarchies,
    check_priors,
)
from .checks.model_checks import check_model, check_shapes
from .checks.probability_checks import check_probabilities
from .checks.prompt_checks import check_groups, check_prompts
from .checks.search_checks import check_searches
from .checks.size_checks import check_sizes
from .checks.table_checks import check_kinds, check_tables
from .checks.weighting_checks import check_weightings
from .draws import expand_draws
from .methods import method_names
from .parts import choose_parts, set_parts
from .places import check_results, resolve_paths
from .schema import read_schema
from .seeds import expand_seeds

SCHEMA = Path("config") / "schema.yaml"
_TYPES = {
    "object": "a mapping of keys",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
}
_PROSE = ("description", "subtitle")
_SHOWN = (*_PROSE, "label", "version", "classes", "templates", "names")
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "a list of at least {}",
    "maxItems": "a list of at most {}",
    "minLength": "a text of at least {} character",
    "minProperties": "at least {} entry",
    "uniqueItems": "a list that names nothing twice",
}


def check_config(config: dict[str, Any], workflow: str | os.PathLike) -> None:
    """Check `config` completely and bring it into the form that the workflow uses.

    `workflow` is the folder of the Snakefile. Paths in `config` are replaced (`resolve_paths`), and
    a model with `seeds` becomes one entry per seed (`expand_seeds`), a weighting with `draws` one
    per draw (`expand_draws`). Labels, class names and other shown texts are converted to Unicode's
    form NFC, so that two spellings of a name are equal. Raises InputError for a config that does
    not fit the schema, a name that does not exist, numbers that contradict each other, and an
    unusable results folder.
    """
    workflow = Path(workflow)
    check_kinds(config)
    check_schema(config, workflow / SCHEMA)
    config.setdefault("weightings", {})
    _normalise(config)
    resolve_paths(config, workflow)
    _check_consistency(config, workflow)
    check_results(config, workflow)
    expand_draws(config)
    expand_seeds(config, workflow)


def complete_config(
    config: dict[str, Any], workflow: str | os.PathLike, parts: dict[str, dict[str, int]]
) -> None:
    """Bring a correct `config` into the form of `check_config`, without the user's files.

    For jobs on machines that do not have these files. `parts` maps `datasets` and `evaluations` to
    the numbers of shards and class parts by name, which may follow from the files. Raises
    InputError for a path `~NAME` if this machine has no such user.
    """
    config.setdefault("weightings", {})
    _normalise(config)
    resolve_paths(config, Path(workflow))
    set_parts(config, parts)
    expand_draws(config)
    expand_seeds(config, Path(workflow))


def _check_consistency(config: dict[str, Any], workflow: Path) -> None:
    """Raise InputError for mistakes that a schema cannot express."""
    check_old_spelling(config)
    for name, spec in config["prompts"].items():
        check_prompts(config, name, spec)
    for name in config["prompts"]:  # groups are other sets of prompts, which are now checked
        check_groups(config, name)
    for name, spec in config["datasets"].items():
        check_dataset(config, name, spec)
    for name, spec in config["models"].items():
        check_model(config, name, spec, workflow)
    for name, spec in config["evaluations"].items():
        check_evaluation(config, name, spec)
    for name, spec in config["baselines"].items():
        check_baseline(config, name, spec, workflow)
    names = [name for kind in method_names(config).values() for name in kind]
    clash = [name for name in names if names.count(name) > 1]
    if clash:
        raise InputError(
            f"baselines: found the name `{clash[0]}`, which another baseline or an evaluation has "
            "too; expected different names (a baseline with seeds is called <name>-seed<n>); "
            "rename one of them"
        )
    check_tables(config)
    check_probabilities(config)
    check_calibrations(config)
    check_priors(config)
    check_hierarchies(config)
    check_searches(config)
    check_weightings(config)
    choose_parts(config)
    check_sizes(config)
    check_counts(config)
    check_shapes(config, workflow)


def _normalise(entry: dict[str, Any] | list[Any], path: str = "", shown: bool = False) -> None:
    """Convert shown texts in `entry`, at the key `path`, to Unicode's form NFC.

    With `shown`, these are all texts in it. Paths are not converted, as the forms differ on a disk.
    In prose, a line break becomes a space; raises InputError for another text of several lines.
    """
    for key, value in entry.items() if isinstance(entry, dict) else enumerate(entry):
        where = f"{path}.{key}".lstrip(".")
        is_shown = key in _SHOWN or (key == "published" and not path.startswith("tables"))
        if isinstance(value, dict | list):
            _normalise(value, where, is_shown)
        elif isinstance(value, str):
            text = " ".join(value.split()) if key in _PROSE else value
            check_line(text, where, "the text")
            entry[key] = normalised(text) if is_shown or shown else text


def check_schema(config: dict[str, Any], schema: Path) -> None:
    """Raise InputError unless `config` fits the schema in the YAML file at `schema`."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match, relevance
    from jsonschema.validators import extend

    # stricter than JSON: 5.0 is no integer, .nan and .inf are no numbers, integers have 64 bits
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: _is_integer(value),
            "number": lambda _, value: _is_number(value),
        }
    )
    validator = extend(Draft202012Validator, type_checker=types)(read_schema(schema))

    def importance(error: Any) -> tuple:
        # a mistake in a key comes before keys that are required for some values of that key
        depth, *rest = relevance(error)
        return depth, "then" not in error.schema_path, *rest

    error = best_match(validator.iter_errors(config), key=importance)
    if error is not None:
        raise InputError(_explained(error))


def _is_integer(value: Any) -> bool:
    return type(value) is int and abs(value) < 2**63


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (type(value) is float and math.isfinite(value))


def _explained(error: Any) -> str:
    """A jsonschema error as a message for the user."""
    key = ".".join(map(str, error.absolute_path)) or "the config"
    found, rule = _short(error.instance), error.validator_value
    if "propertyNames" in error.schema_path:
        return f"{key}: found the name {found}, expected {error.schema['description']}; rename it"
    match error.validator:
        case "additionalProperties":
            properties = error.schema.get("properties", {})
            unknown = next(name for name in error.instance if name not in properties)
            known = sorted(n for n, spec in properties.items() if not spec.get("deprecated"))
            remedy = did_you_mean(unknown, known) or "remove it or correct it"
            return f"{key}: found the unknown key `{unknown}`, expected {_one_of(known)}; {remedy}"
        case "required":
            missing = next(name for name in rule if name not in error.instance)
            return (
                f"{key}: found {_keys(error.instance)}, but the key `{missing}` is missing; "
                f"expected {_all_of(rule)}; add it (see config/README.md)"
            )
        case "oneOf":
            choices = [choice["required"] for choice in rule]
            names = [name for name in error.instance if any(name in choice for choice in choices)]
            expected = ", or ".join(map(_all_of, choices))
            limit = "not both" if len(choices) == 2 else "only one of these"
            present = _keys(names) if names else "none of these keys"
            return (
                f"{key}: found {present}, expected either {expected}, but {limit}; add or remove "
                "what differs (see config/README.md)"
            )
        case "type":
            first, *others = [rule] if isinstance(rule, str) else rule
            expected = " or ".join(_TYPES[kind] for kind in (first, *others))
            return f"{key}: found {found}, expected {expected}; {_retyped(error.instance, first)}"
        case "enum":
            remedy = did_you_mean(str(error.instance), map(str, rule)) or "correct it"
            return f"{key}: found {found}, expected {_one_of(rule)}; {remedy}"
        case "pattern":
            return f"{key}: found {found}, expected {error.schema['description']}; correct it"
        case limit:
            return f"{key}: found {found}, expected {_LIMITS[limit].format(rule)}; correct it"


def _retyped(value: Any, expected: str) -> str:
    """The remedy for a value that YAML reads as another type than the user meant."""
    if expected == "string" and type(value) in (int, float, bool):
        return "put it in quotes"
    if expected == "boolean":
        return "write `true` or `false` without quotes"
    if expected in ("number", "integer") and isinstance(value, str):
        return "write plain digits without quotes (YAML takes 3e-4 for a text, 0.0003 for a number)"
    return "correct it"


def _keys(names: Iterable[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    return f"the keys {listed}" if listed else "none of its keys"


def _all_of(names: Sequence[str]) -> str:
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def _one_of(values: list) -> str:
    return "one of " + ", ".join(f"`{value}`" for value in values)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
