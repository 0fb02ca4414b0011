"""Candidate labels and a template as a table of prompts, for text and class-conditional models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.denoisers.model_folders import class_count
from diffusion_classifier.files import read_json
from diffusion_classifier.messages import InputError, did_you_mean
from diffusion_classifier.names import checked_name

if TYPE_CHECKING:
    import pandas as pd

TEMPLATE = "This is a photo of {}."
"""The default template, that of transformers' pipeline."""


def label_prompts(
    labels: Iterable[str] | str | None,
    template: str | Sequence[str],
    classes: Mapping[int, str] | None,
    least: int = 2,
) -> pd.DataFrame:
    """Prompts `prompt, classname, classidx`, a row for each label and template.

    `classes` is `class_names` of a class-conditional model: its labels are then some of these names
    or the numbers of classes, all of them by default, and no template is used. The labels of
    another model are numbered in their order. A text is a list separated by commas. Raises
    InputError for fewer than `least` labels, an empty or repeated one, one that a class-conditional
    model does not have, and a template without {}.

    >>> label_prompts(["cat", "dog"], "a photo of a {}.", None)["prompt"].tolist()
    ['a photo of a cat.', 'a photo of a dog.']
    """
    if labels is None and classes is None:
        raise InputError(
            "candidate_labels: found none, expected the labels to choose from, as the model reads "
            "text; give a list"
        )
    named = _checked(list(classes.values()) if labels is None else labels, least)
    if classes is not None:
        import pandas as pd

        indices = range(len(classes)) if labels is None else _indices(named, classes)
        return pd.DataFrame({"prompt": named, "classname": named, "classidx": indices})
    templates = [template] if isinstance(template, str) else list(template)
    if not templates or any("{}" not in one for one in templates):
        raise InputError(
            f"hypothesis_template: found {template!r}, expected a text with {{}}, where the label "
            "goes; add it"
        )
    return from_templates(named, templates)


def class_names(folder: str, family: str) -> dict[int, str] | None:
    """The names of a class-conditional model's classes: `id2label` in its index, or numbers.

    None for a model that reads text.
    """
    count = class_count(folder, family)
    if count is None:
        return None
    index = Path(folder) / "model_index.json"
    names = read_json(index).get("id2label") or {} if index.is_file() else {}
    names = {int(number): str(name) for number, name in names.items()}
    return {number: names.get(number, str(number)) for number in range(count)}


def _checked(labels: Iterable[str] | str, least: int) -> list[str]:
    where = "candidate_labels"
    listed = labels.split(",") if isinstance(labels, str) else labels
    found = [checked_name(str(label).strip(), where, "the label") for label in listed]
    if not all(found):
        raise InputError(f"{where}: found an empty label, expected a text; fill it in")
    twice = [label for label in found if found.count(label) > 1]
    if twice:
        raise InputError(f"{where}: found {twice[0]!r} twice, expected each once; remove one")
    if len(found) < least:
        raise InputError(
            f"{where}: found {len(found)} label(s), expected at least {least}; add some"
        )
    return found


def _indices(labels: Sequence[str], classes: Mapping[int, str]) -> list[int]:
    """The class of each label: a name, one of several names separated by commas, or a number."""
    known = {str(number): number for number in classes}
    known |= {one.strip(): n for n, name in reversed(classes.items()) for one in name.split(",")}
    known |= {name: number for number, name in reversed(classes.items())}
    found = []
    for label in labels:
        if label not in known:
            remedy = did_you_mean(label, known) or "see the classifier's `id2label`"
            raise InputError(
                f"candidate_labels: found {label!r}, expected one of the model's {len(classes)} "
                f"classes, as it is told a class and reads no text; {remedy}"
            )
        found.append(known[label])
    if len(set(found)) < len(found):
        raise InputError(
            "candidate_labels: found two labels of one class, expected each class once; remove one"
        )
    return found
