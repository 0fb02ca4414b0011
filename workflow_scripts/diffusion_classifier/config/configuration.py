"""Check a config before anything runs; every mistake is one line that says what to do."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import check_line, normalised

from .checks.table_checks import check_kinds
from .consistency import check_consistency
from .draws import expand_draws
from .places import check_results, place
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
    """Raise InputError unless `config` fits the schema and makes sense as a whole.

    `workflow` is the folder of the Snakefile. Also checked: that results have a folder of their
    own, that can be written to. The paths in `config` are replaced by where they lead, as `place`
    does; labels, class names and other texts that are shown become Unicode's form NFC, so that two
    spellings of one name are one. A model with `seeds` becomes one entry per seed (`expand_seeds`).
    """
    check_kinds(config)
    check_schema(config, Path(workflow) / SCHEMA)
    config.setdefault("weightings", {})
    _normalise(config)
    place(config, Path(workflow))
    check_consistency(config, Path(workflow))
    check_results(config, Path(workflow))
    expand_draws(config)
    expand_seeds(config, Path(workflow))


def _normalise(entry: dict[str, Any] | list[Any], path: str = "", shown: bool = False) -> None:
    """Rewrite the texts in `entry`, which lies at `path`, that are shown in Unicode's form NFC.

    `shown` says that all in it are. Paths stay as they are: on a disk the two forms are two names.
    Raises InputError for a text that is not one line; in prose a line break is a space.
    """
    for key, value in entry.items() if isinstance(entry, dict) else enumerate(entry):
        where = f"{path}.{key}".lstrip(".")
        named = key in _SHOWN or (key == "published" and not path.startswith("tables"))
        if isinstance(value, dict | list):
            _normalise(value, where, named)
        elif isinstance(value, str):
            text = " ".join(value.split()) if key in _PROSE else value
            check_line(text, where, "the text")
            entry[key] = normalised(text) if named or shown else text


def check_schema(config: dict[str, Any], schema: Path) -> None:
    """Raise InputError unless `config` fits the schema in the YAML file at `schema`."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match, relevance
    from jsonschema.validators import extend

    # stricter than JSON: 5.0 is no whole number, .nan and .inf are no numbers, and nothing counts
    # further than 64 bits
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: _is_integer(value),
            "number": lambda _, value: _is_number(value),
        }
    )
    validator = extend(Draft202012Validator, type_checker=types)(read_schema(schema))

    def importance(error: Any) -> tuple:
        # what is asked only `if` a key has some value comes after that key's own mistakes
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
    """What a jsonschema error means to the person who wrote the config."""
    key = ".".join(map(str, error.absolute_path)) or "the config"
    found, rule = _short(error.instance), error.validator_value
    if "propertyNames" in error.schema_path:
        return f"{key}: found the name {found}, expected {error.schema['description']}; rename it"
    match error.validator:
        case "additionalProperties":
            properties = error.schema.get("properties", {})
            unknown = next(name for name in error.instance if name not in properties)
            known = sorted(n for n, spec in properties.items() if not spec.get("deprecated"))
            remedy = _did_you_mean(unknown, known) or "remove it or correct it"
            return f"{key}: found the unknown key `{unknown}`, expected {_one_of(known)}; {remedy}"
        case "required":
            missing = next(name for name in rule if name not in error.instance)
            return (
                f"{key}: found {_keys(error.instance)}, but the key `{missing}` is missing; "
                f"expected {_all_of(rule)}; add it (see config/README.md)"
            )
        case "oneOf":
            choices = [choice["required"] for choice in rule]
            asked = [name for name in error.instance if any(name in choice for choice in choices)]
            expected = ", or ".join(map(_all_of, choices))
            limit = "not both" if len(choices) == 2 else "only one of these"
            asked = _keys(asked) if asked else "none of these keys"
            return (
                f"{key}: found {asked}, expected either {expected}, but {limit}; add or remove "
                "what differs (see config/README.md)"
            )
        case "type":
            first, *others = [rule] if isinstance(rule, str) else rule
            expected = " or ".join(_TYPES[kind] for kind in (first, *others))
            return f"{key}: found {found}, expected {expected}; {_retyped(error.instance, first)}"
        case "enum":
            remedy = _did_you_mean(error.instance, map(str, rule)) or "correct it"
            return f"{key}: found {found}, expected {_one_of(rule)}; {remedy}"
        case "pattern":
            return f"{key}: found {found}, expected {error.schema['description']}; correct it"
        case limit:
            return f"{key}: found {found}, expected {_LIMITS[limit].format(rule)}; correct it"


def _did_you_mean(found: Any, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(found), list(names), n=1)
    return f"did you mean `{close[0]}`?" if close else ""


def _retyped(value: Any, expected: str) -> str:
    """What to write instead of a value that YAML read as another type than was meant."""
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
