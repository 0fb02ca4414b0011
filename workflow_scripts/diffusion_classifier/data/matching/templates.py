"""Templates: texts with the values of a record in them, such as `val2017/{id:012d}.jpg`.

>>> fill("val2017/{id:012d}.jpg", {"id": 42})
'val2017/000000000042.jpg'
>>> fill("{info.names.0} on {info.names.1}", {"info": {"names": ["cup", "shelf"]}})
'cup on shelf'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter
from typing import Any

from diffusion_classifier.messages import InputError

_FORMAT = re.compile(r"0[0-9]{1,2}d")
_FIELD = re.compile(r"\w[\w -]*(\.\w[\w -]*)*")


class RecordError(InputError):
    """A record of which no item can be made; the message says why, in a few words."""


def fill(template: str, record: Any) -> str:
    """`template` with every `{field}` replaced by its value in `record`.

    A field is a key or, in a list, a position from 0 on; dots lead into nested values. `{id:012d}`
    writes a whole number, or a text of digits, with leading zeros. Raises RecordError if the record
    has no such field, or a value that is no text or number.
    """
    parts = []
    for text, field, form in _parsed(template):
        parts.append(text)
        if field is not None:
            parts.append(_formatted(value(field, record), form, field))
    return "".join(parts)


def found(template: str, record: Any) -> Any:
    """As `fill`, but a template that is a single field gives its value: an embedded image."""
    parts = list(_parsed(template))
    if len(parts) == 1 and parts[0][0] == "" and parts[0][1] is not None and not parts[0][2]:
        return value(parts[0][1], record)
    return fill(template, record)


def value(field: str, record: Any) -> Any:
    """The value of `field` in `record`; raises RecordError if there is none."""
    here = record
    for step in field.split("."):
        try:
            here = here[int(step)] if isinstance(here, list | tuple) else here[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise RecordError(f"found no `{field}`{_keys(record)}") from None
    return here


def check(template: str, where: str) -> None:
    """Raise InputError, beginning with `where`, unless `template` can be filled."""
    try:
        list(_parsed(template))
    except ValueError as error:
        raise InputError(
            f"{where}: found {template!r} ({error}), expected a text with fields such as {{name}}, "
            "{0}, {info.names.0} or {id:012d}; correct it"
        ) from None


def _parsed(template: str) -> Iterator[tuple[str, str | None, str]]:
    """Text, field and format of each part; ValueError for what no template can have."""
    for text, field, form, conversion in Formatter().parse(template):
        if field is not None:
            if not _FIELD.fullmatch(field) or conversion:
                raise ValueError(f"{{{field}}} is no field")
            if form and not _FORMAT.fullmatch(form):
                raise ValueError(f"{form!r} is no format")
        yield text, field, form or ""


def _formatted(found: Any, form: str, field: str) -> str:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise RecordError(f"found {type(found).__name__} as `{field}`, expected a text or a number")
    if not form:
        return str(found)
    try:
        return format(int(found), form)
    except ValueError:
        raise RecordError(f"found {found!r} as `{field}`, expected a whole number") from None


def _keys(record: Any) -> str:
    if isinstance(record, dict):
        names = [str(name) for name in record]
        more = ", …" if len(names) > 8 else ""
        return f", expected one of {', '.join(names[:8])}{more}"
    return f", expected positions of {len(record)} values" if isinstance(record, list) else ""
