"""Class names and prompt templates in CLIP_benchmark's text files, which lie beside its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import checked_name

from ..text_lines import read_lines

CLASS_NAMES = "classnames.txt"
TEMPLATES = "zeroshot_classification_templates.txt"
FILES = (CLASS_NAMES, TEMPLATES)
"""The names of the two files."""

SLOT = "{c}"
"""What the class name replaces in a template."""


@dataclass(frozen=True)
class ClassTexts:
    """`words` are the classes' texts, some of which may be empty, `names` their names."""

    words: list[str]
    names: list[str]
    templates: list[str]


def read_class_texts(folder: Path, templates: bool = True) -> ClassTexts:
    """The class names and, with `templates`, the templates in `folder`.

    A template that is there twice counts once. Raises InputError as `read_class_names` does, and
    for a template without SLOT.
    """
    words = _lines(folder / CLASS_NAMES)
    found = {}
    if templates:
        found = dict.fromkeys(line for line in _lines(folder / TEMPLATES) if line)
    for template in found:
        if SLOT not in template:
            raise InputError(
                f"{folder / TEMPLATES}: found {template!r}, expected {SLOT} where the class name "
                "goes; correct it, or give `templates` in the config"
            )
    return ClassTexts(words, _names(words, folder), list(found))


def read_class_names(folder: Path) -> list[str]:
    """The class names in `folder`, in the order of the labels; an empty one becomes `class 3`.

    Raises InputError if the file is missing, is not UTF-8, or has fewer than two lines.
    """
    return _names(_lines(folder / CLASS_NAMES), folder)


def _names(words: list[str], folder: Path) -> list[str]:
    if len(words) < 2:
        raise InputError(
            f"{folder / CLASS_NAMES}: found {len(words)} class, expected a name on each of at "
            "least 2 lines; add them"
        )
    where = f"{folder / CLASS_NAMES}, line"
    return [
        checked_name(word, f"{where} {line}") if word else f"class {line - 1}"
        for line, word in enumerate(words, 1)
    ]


def read_line(path: Path) -> str:
    """The text of a file of one line; raises InputError if it cannot be read."""
    return " ".join(_lines(path))


def _lines(path: Path) -> list[str]:
    return read_lines(
        path, "a text file of CLIP_benchmark's form; copy it there or correct the path"
    )
