"""Read the records of a benchmark from its files: JSON, JSON lines, CSV, Parquet, or a folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError

from .templates import RecordError, value

Record = Any
"""A mapping or a list, as JSON has them."""


def read_records(path: Path, name: str) -> list[tuple[str, Record]]:
    """The records of the file at `path`, each with what a message calls it: `name, record 12`.

    `.json` is a list of records, or a mapping of them: then `key` and `value` are fields, and so
    are the keys of a value that is a mapping itself. `.jsonl` has one per line, `.csv` a header,
    `.parquet` columns. Raises InputError for a file that cannot be read as its ending says.
    """
    readers = {".json": _json, ".jsonl": _lines, ".csv": _csv, ".parquet": _parquet}
    suffix = path.suffix.lower()
    try:
        found = list(readers[".json" if suffix == ".txt" else suffix](path))
    except KeyError:
        raise InputError(
            f"{name}: found an annotation file that ends in {suffix!r}, expected one of "
            f"{', '.join(readers)}; convert it"
        ) from None
    except OSError as error:
        raise InputError(
            f"{name}: cannot be read ({error.strerror}), expected the annotations below `root`; "
            "fetch them or correct `root`"
        ) from None
    except (ValueError, csv.Error) as error:
        raise InputError(
            f"{name}: cannot be read as {suffix[1:]} ({' '.join(str(error).split())}), expected a "
            "whole file; fetch it again"
        ) from None
    return [(f"{name}, {where}", record) for where, record in found]


def read_tree(path: Path, name: str) -> Any:
    """The JSON in the file at `path`; raises InputError as `read_records`."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{name}: cannot be read ({error.strerror}), expected a file below `root`; fetch it or "
            "correct `root`"
        ) from None
    except ValueError as error:
        raise InputError(
            f"{name}: cannot be read as json ({error}), expected a whole file; fetch it again"
        ) from None


def files_as_records(root: Path, pattern: str) -> list[tuple[str, Record]]:
    """A record for each file below `root` that matches `pattern`: its `path`, in natural order."""
    from ..image_files.listing import is_litter, natural

    found = [path.relative_to(root).as_posix() for path in root.glob(pattern) if path.is_file()]
    kept = [path for path in found if not is_litter(Path(path).name)]
    return [(path, {"path": path}) for path in sorted(kept, key=natural)]


def together(records: Iterable[tuple[str, Record]], count: int) -> Iterator[tuple[str, Record]]:
    """Each `count` consecutive records as one list; records that remain at the end are dropped."""
    listed = list(records)
    for start in range(0, len(listed) - count + 1, count):
        group = listed[start : start + count]
        yield group[0][0], [record for _, record in group]


def each(where: str, record: Record, field: str) -> Iterator[tuple[str, Record]]:
    """A record for each element of the list `field`, as its field `each`."""
    elements = value(field, record)
    if not isinstance(elements, list):
        raise RecordError(f"found {type(elements).__name__} as `{field}`, expected a list")
    fields = record if isinstance(record, dict) else dict(enumerate(map(str, record)))
    for number, element in enumerate(elements, 1):
        yield f"{where}, {field} {number}", {**fields, "each": element}


def _json(path: Path) -> Iterator[tuple[str, Record]]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(found, list):
        yield from ((f"record {number}", record) for number, record in enumerate(found, 1))
    elif isinstance(found, dict):
        for key, content in found.items():
            fields = content if isinstance(content, dict) else {}
            yield f"record {key!r}", {**fields, "key": key, "value": content}
    else:
        raise ValueError(f"found {type(found).__name__}, expected a list or a mapping of records")


def _lines(path: Path) -> Iterator[tuple[str, Record]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield f"line {number}", json.loads(line)
                except ValueError as error:
                    raise ValueError(f"line {number}: {error}") from None


def _csv(path: Path) -> Iterator[tuple[str, Record]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
        for row in reader:
            held = {key: text for key, text in row.items() if key and text is not None}
            yield f"line {reader.line_num}", held


def _parquet(path: Path) -> Iterator[tuple[str, Record]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise ValueError(error) from None
    yield from ((f"row {number}", row) for number, row in enumerate(rows, 1))
