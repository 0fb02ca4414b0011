"""Descriptions of benchmarks: YAML files that say how items are made of records.

`docs/benchmarks.md` explains every key with examples; the shipped ones are in resources/benchmarks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffusion_classifier.files import check_keys
from diffusion_classifier.messages import InputError, known, one_line

from . import templates

_TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"type": "integer", "minimum": 1, "maximum": 1_000_000_000}
_LISTED = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "list": _TEXT,
        "from": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
        "pattern": _TEXT,
        "to": _TEXT,
        "file": _TEXT,
        "at": {"type": "array", "items": {"type": ["string", "integer"]}},
    },
    "oneOf": [{"required": ["list"]}, {"required": ["file"]}],
}
_CANDIDATES = {"type": "array", "minItems": 1, "items": {"anyOf": [_TEXT, _LISTED]}}
_FIELD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["of"],
    "properties": {
        "of": _TEXT,
        "pattern": _TEXT,
        "name": _TEXT,
        "values": {"type": "object", "minProperties": 1},
        "otherwise": _TEXT,
    },
    "oneOf": [{"required": ["pattern"]}, {"required": ["name", "values"]}],
}
_EFFECT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["group", "between", "positive", "negative"],
    "properties": {
        "group": _TEXT,
        "between": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2},
        },
        "positive": _CANDIDATES,
        "negative": _CANDIDATES,
    },
}
_TASK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["subtask", "images"],
    "properties": {
        "for": {"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}},
        "subtask": _TEXT,
        "annotations": _TEXT,
        "files": _TEXT,
        "every": _NUMBER,
        "together": _NUMBER,
        "each": _TEXT,
        "only": {"type": "object", "additionalProperties": {"type": "array", "minItems": 1}},
        "fields": {"type": "array", "items": _FIELD},
        "images": _CANDIDATES,
        "captions": _CANDIDATES,
        "right": {"type": ["integer", "string"], "minimum": 0},
        "crop": {"type": "array", "items": _TEXT, "minItems": 4, "maxItems": 4},
        "bgr": {"type": "boolean"},
        "pair": _TEXT,
        "set": _TEXT,
        "least": _NUMBER,
        "effect": _EFFECT,
    },
    "oneOf": [{"required": ["captions"]}, {"required": ["effect"]}],
}
_COUNTS = {"type": "object", "minProperties": 1, "additionalProperties": _NUMBER}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title", "licence", "source", "get", "tasks"],
    "properties": {
        "title": _TEXT,
        "licence": _TEXT,
        "source": _TEXT,
        "get": _TEXT,
        "items": {"anyOf": [_NUMBER, _COUNTS]},
        "shape": {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2},
        "tasks": {"type": "array", "minItems": 1, "items": _TASK},
    },
}
"""The JSON schema of a description."""


@dataclass(frozen=True)
class Task:
    """One way of making items: an entry of `tasks`, with the values of one entry of its `for`."""

    spec: dict[str, Any]
    given: dict[str, Any]

    @property
    def annotations(self) -> str | None:
        """The file of the records, below the root; None for files or rows as records."""
        named = self.spec.get("annotations")
        return None if named is None else templates.fill(named, self.given)

    @property
    def subtask(self) -> str | None:
        """The subtask, if all items have the same; None if a record says it."""
        try:
            return templates.fill(self.spec["subtask"], self.given)
        except templates.RecordError:
            return None


@dataclass(frozen=True)
class Description:
    """What a description says; `path` is its file."""

    path: str
    title: str
    licence: str
    source: str
    get: str
    tasks: tuple[Task, ...]
    counts: int | dict[str, int] | None = None
    shape: tuple[int, int] | None = None
    """Images and captions of an item, for estimates of costs."""
    files: tuple[str, ...] = field(default=())
    """All annotation files, below the root."""

    def size(self, subtasks: list[str] | None = None) -> int | None:
        """The number of items that it says there are; None if it does not say it."""
        if not isinstance(self.counts, dict):
            return None if subtasks else self.counts
        names = subtasks or list(self.counts)
        return sum(self.counts[name] for name in names) if set(names) <= set(self.counts) else None

    def has_effects(self, subtasks: list[str] | None = None) -> bool:
        """Whether some of its subtasks are scored by effect sizes."""
        return any(
            "effect" in task.spec and not (subtasks and task.subtask not in (None, *subtasks))
            for task in self.tasks
        )

    def check_subtasks(self, subtasks: list[str], key: str) -> None:
        """Raise InputError, beginning with `key`, for a subtask that it has not."""
        names = [task.subtask for task in self.tasks]
        if None in names:
            return
        for name in subtasks:
            known(key, name, names, "subtask")


def read_description(path: str | os.PathLike) -> Description:
    """Read and check the description at `path`.

    Raises InputError naming the file and the key for what cannot be read or does not fit `SCHEMA`,
    a template that cannot be filled, and a pattern that is no regular expression.
    """
    where = os.fspath(path)
    content = _content(where)
    tasks = tuple(Task(spec, given) for spec in content["tasks"] for given in _given(spec))
    for number, spec in enumerate(content["tasks"], 1):
        _check_templates(spec, f"{where}: tasks.{number}")
    named = [task.annotations for task in tasks if task.annotations]
    return Description(
        where,
        *(" ".join(content[key].split()) for key in ("title", "licence", "source", "get")),
        tasks,
        content.get("items"),
        tuple(content["shape"]) if "shape" in content else None,
        tuple(dict.fromkeys(named)),
    )


def _content(where: str) -> dict[str, Any]:
    import yaml
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    try:
        content = yaml.safe_load(Path(where).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(
            f"{where}: cannot be read as YAML ({one_line(error)}), expected the description of "
            "a benchmark (see docs/benchmarks.md); correct it"
        ) from None
    check_keys(where)
    if error := best_match(Draft202012Validator(SCHEMA).iter_errors(content)):
        steps = [step + 1 if isinstance(step, int) else step for step in error.absolute_path]
        key = ".".join(map(str, steps)) or "the description"
        raise InputError(
            f"{where}: {key}: {_short(error.message)}; correct it (see docs/benchmarks.md)"
        )
    return content


def _given(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return spec.get("for", [{}])


def _check_templates(spec: dict[str, Any], where: str) -> None:
    for key, text in _templates(spec):
        templates.check(text, f"{where}.{key}")
    for key, text in _patterns(spec):
        try:
            groups = re.compile(text).groupindex
        except re.error as error:
            raise InputError(
                f"{where}.{key}: found {text!r} ({error}), expected a regular expression; correct "
                "it"
            ) from None
        if not groups:
            raise InputError(
                f"{where}.{key}: found {text!r} without a named group, expected (?P<name>…), which "
                "becomes a field; add one"
            )


def _templates(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    single = ("subtask", "annotations", "pair", "set")
    yield from ((key, spec[key]) for key in single if key in spec)
    yield from (("crop", text) for text in spec.get("crop", []))
    yield from (("only", text) for text in spec.get("only", {}))
    yield from (("fields", entry["of"]) for entry in spec.get("fields", []))
    if isinstance(spec.get("right"), str):
        yield "right", spec["right"]
    effect = spec.get("effect", {})
    yield from (("effect.group", text) for text in [effect.get("group")] if text)
    for key, entry in _candidates(spec):
        if isinstance(entry, str):
            yield key, entry
        else:
            yield from ((key, str(step)) for step in entry.get("at", []))
            yield from ((key, text) for text in [entry.get("to"), entry.get("file")] if text)


def _patterns(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    entries = [("fields", entry) for entry in spec.get("fields", [])]
    entries += [(key, entry) for key, entry in _candidates(spec) if isinstance(entry, dict)]
    yield from ((key, entry["pattern"]) for key, entry in entries if "pattern" in entry)


def _candidates(spec: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    effect = spec.get("effect", {})
    for key in ("images", "captions"):
        yield from ((key, entry) for entry in spec.get(key, []))
    for key in ("positive", "negative"):
        yield from ((f"effect.{key}", entry) for entry in effect.get(key, []))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 200 else f"{text[:197]}..."
