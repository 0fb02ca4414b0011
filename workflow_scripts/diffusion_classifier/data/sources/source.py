"""The description of a `source` in the config: how to open it, and facts known before that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]
"""An entry of the config's `datasets`."""

TEXT = {"type": "string", "minLength": 1}
PATH = TEXT | {"format": "path"}
BELOW = TEXT | {"format": "path below"}
BENCHMARK = TEXT | {"format": "path or name of a benchmark"}
"""JSON schemas of keys: a text; a path, which may be relative to the workflow; a path below that of
another key; a path, or the name of a description in resources/benchmarks. `config.places` uses the
format."""


@dataclass(frozen=True)
class Source:
    """A source of images; its name is in the registry of this folder.

    `opens` takes the source's `keys` and returns an ImageSource or, if it has `examples` of two
    images and two captions, a table in Winoground's schema. The other functions take the whole
    entry of the data set and open nothing.
    """

    opens: Callable[..., Any]
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The JSON schema of each key that only this source has."""
    required: tuple[str, ...] = ()
    """The names of required `keys`."""
    splits: tuple[str, ...] = ()
    """The values of `split`, if they are fixed; `test` is the default."""
    size: Callable[[Spec], int | None] = lambda spec: None
    """Images (or examples) of one copy; None if the files must be read to know."""
    whole: Callable[[Spec], int | None] = lambda spec: None
    """Images of the whole data set, for estimates of costs; the user may have a part of it."""
    classes: Callable[[Spec], int | None] = lambda spec: None
    """Number of classes; None if it is unknown or every image is a class."""
    check: Callable[[str, Spec], None] = lambda key, spec: None
    """Raises InputError, beginning with the given key, for mistakes that the schemas allow."""
    captions: Callable[[Spec], bool] = lambda spec: False
    """Whether its images have captions on which a model can be trained."""
    inputs: Callable[[Spec], list[str]] = lambda spec: []
    """The user's files that it reads; raises InputError if they cannot be listed."""
    files: bool = False
    """Whether its images are in files, which may be damaged."""
    quick: bool = False
    """Whether `opens` only lists files, so that a check may count the images."""
    drawn: bool = False
    """Whether its images need neither files of the user's nor the network."""
    examples: bool = False
    """Whether it has examples of two images and two captions, as Winoground has."""
    shape: Callable[[Spec], tuple[float, float] | None] = lambda spec: None
    """Of matching tasks, the images and captions of an item, on average; None if unknown."""
    matching: bool = False
    """Whether it consists of matching tasks: its ImageSource has items, see `data.matching`."""

    @property
    def common(self) -> tuple[str, ...]:
        """The keys that it shares with other sources."""
        if self.examples:
            return ("limit",)
        if self.matching:
            return ("limit", *(("strict",) if self.files else ()))
        strict = ("strict",) if self.files else ()
        return ("limit", "skip", "indices", "shift", "copies", *strict)

    def arguments(self, spec: Spec) -> Spec:
        """The arguments of `opens`."""
        return {key: spec[key] for key in self.keys if key in spec}
