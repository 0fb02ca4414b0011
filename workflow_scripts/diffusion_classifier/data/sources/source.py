"""What a config's `source` stands for: how it is opened, and what is known before that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]
"""An entry of the config's `datasets`."""

TEXT = {"type": "string", "minLength": 1}
PATH = TEXT | {"format": "path"}
BELOW = TEXT | {"format": "path below"}
"""JSON schemas of keys: a text; a path, where a relative one may lie beside the workflow; a path
below another key's. `config.places` looks at the format."""


def _unknown(spec: Spec) -> None:
    """What cannot be said before the images are opened."""


def _nothing(key: str, spec: Spec) -> None:
    """A check of a source that needs none."""


def _no(spec: Spec) -> bool:
    return False


def _none(spec: Spec) -> list[str]:
    return []


@dataclass(frozen=True)
class Source:
    """A source of images; the registry of this folder gives it its name.

    `opens` takes the source's own keys and returns an ImageSource or, if it has `examples` of two
    images and two captions, a table in Winoground's schema. The other functions take the whole
    entry of the data set and open nothing.
    """

    opens: Callable[..., Any]
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The JSON schema of each key that this source has of its own."""
    required: tuple[str, ...] = ()
    """Of `keys`, those that it cannot do without."""
    splits: tuple[str, ...] = ()
    """What `split` may be, if that is always the same; `test` is the default."""
    size: Callable[[Spec], int | None] = _unknown
    """Images (or examples) of one copy; None if only the files tell."""
    whole: Callable[[Spec], int | None] = _unknown
    """Images of the whole data set, of which a user may have a part: for estimates of costs."""
    classes: Callable[[Spec], int | None] = _unknown
    """Number of classes; None if it is not known, or every image has its own."""
    check: Callable[[str, Spec], None] = _nothing
    """Raises InputError, beginning with the key it is given, for what the keys' schemas allow."""
    captions: Callable[[Spec], bool] = _no
    """Whether its images carry captions that a model can be trained on."""
    inputs: Callable[[Spec], list[str]] = _none
    """The user's files that it reads; raises InputError if they cannot be listed."""
    files: bool = False
    """Whether its images lie in files, of which one may be damaged."""
    quick: bool = False
    """Whether `opens` does no more than list files, so that a check may count the images."""
    examples: bool = False

    @property
    def common(self) -> tuple[str, ...]:
        """The keys that it shares with other sources."""
        if self.examples:
            return ("limit",)
        strict = ("strict",) if self.files else ()
        return ("limit", "skip", "indices", "shift", "copies", *strict)

    def own(self, spec: Spec) -> Spec:
        """What `opens` is called with."""
        return {key: spec[key] for key in self.keys if key in spec}
