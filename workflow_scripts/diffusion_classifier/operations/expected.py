"""Compare the tables of a run with the expected numbers.

The default run trains nothing, so all machines find the same numbers, except for near-ties: if the
two best scores of an image differ only by rounding, which depends on the processor, its prediction
may differ. The `tolerance` of an expected row allows for that.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from diffusion_classifier import files
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores.accuracy import LONG, method_name
from diffusion_classifier.tables.texts.aligned import aligned

KEYS = ["table", "method", "dataset", "metric"]
NUMBERS = [name for name in LONG if name not in KEYS]
COLUMNS = [*LONG, "tolerance"]

SAME_EVERYWHERE = ("diffusion", "chance")
"""Kinds of methods for which machines with different processors found equal numbers."""

NEAR_TIES = 0.3
"""Percentage points by which near-ties may shift an accuracy: two of 700 images, at least one."""

BOUNDS = 2
"""A bound of an interval (1.8 times near 100 %) or the accuracy of a single training may move this
many times as far as the accuracy."""

PROBABILITIES = "-probabilities"
"""The end of the name of a table's probabilities."""

FITTED = 0.005
"""By how much a score of probabilities may differ, as two near-ties of 700 images, or the end of a
fit, may shift it; accuracies, in percent, have `NEAR_TIES`."""

ROUNDING = 1.5e-4
"""Tables have four decimals, and rounding may change the last."""

_RUN = "run `make reproduce` first"
_WRITE = "write the file anew with `verify --write`, after a run that you trust"


@dataclass(frozen=True)
class Comparison:
    """The comparison of `numbers` expected numbers.

    `different` has the columns `KEYS`, `number`, `expected`, `found` and `tolerance`; `lacking` has
    the expected rows that were not found, `unexpected` the other rows, both with `KEYS`.
    """

    numbers: int
    different: pd.DataFrame
    lacking: pd.DataFrame
    unexpected: pd.DataFrame

    @property
    def equal(self) -> bool:
        """Whether all is as expected: no number differs, no row is lacking or unexpected."""
        return not len(self.different) + len(self.lacking) + len(self.unexpected)


def compare(results: str | os.PathLike, expected: str | os.PathLike) -> Comparison:
    """Compare the tables in the folder `results` with the files in the folder `expected`.

    Counts have to be equal, `value` to the row's tolerance (percentage points), `low`, `high`,
    `least` and `most` to `BOUNDS` times it. Raises InputError if there is no expected file, a table
    of the run is missing or a file cannot be read.
    """
    wanted = pd.concat([_read_expected(path) for path in _expected_files(expected)])
    names = dict.fromkeys(path.stem for path in _expected_files(expected))
    new = [name for name in tables_of(results) if not name.endswith(PROBABILITIES)]
    names |= dict.fromkeys(new)  # probabilities are compared where they are expected
    found = pd.concat([_read(_table(results, name), name, LONG, _RUN) for name in names])
    both = wanted.merge(found, on=KEYS, how="outer", suffixes=("", " found"), indicator="side")
    shared = both[both["side"] == "both"]
    different = pd.concat([_different(shared, number) for number in NUMBERS])
    return Comparison(
        len(wanted) * len(NUMBERS),
        different.sort_index(kind="stable"),
        both.loc[both["side"] == "left_only", KEYS],
        both.loc[both["side"] == "right_only", KEYS],
    )


def render(comparison: Comparison) -> str:
    """All deviations as text, and in the last line the number of equal numbers."""
    lines = []
    if len(different := comparison.different):
        shown = different.set_index(KEYS[0])
        shown[["expected", "found", "tolerance"]] = shown[["expected", "found", "tolerance"]].map(
            lambda number: f"{number:.4f}".rstrip("0").rstrip(".")
        )
        lines += [*aligned(shown.astype(str)), ""]
    for rows, label in (
        (comparison.lacking, "expected, but not in the run's tables"),
        (comparison.unexpected, "in the run's tables, but not expected"),
    ):
        lines += [f"{label}: {', '.join(row)}" for row in rows.itertuples(index=False)]
    lacking = len(comparison.lacking) * len(NUMBERS)
    equal = comparison.numbers - len(comparison.different) - lacking
    end = f"{equal:,} of {comparison.numbers:,} numbers as expected"
    for rows, label in ((comparison.lacking, "not found"), (comparison.unexpected, "not expected")):
        end += f", {len(rows):,} row{'s' * (len(rows) > 1)} {label}" if len(rows) else ""
    return "\n".join([*lines, end])


def write_expected(results: str | os.PathLike, expected: str | os.PathLike) -> list[Path]:
    """Write the tables in the folder `results`, with tolerances, into the folder `expected`.

    Returns the paths of the new files. Raises InputError if there is no table of a run, or a file
    cannot be read or written.
    """
    names = tables_of(results)
    if not names:
        raise InputError(f"{Path(results) / 'tables'}: found no table of a run; {_RUN}")
    found = {name: _read(_table(results, name), name, LONG, _RUN) for name in names}
    tables = [_with_tolerance(rows, name, results) for name, rows in found.items()]
    written = [Path(expected) / f"{name}.csv" for name in names]
    for table, path in zip(tables, written, strict=True):
        try:
            files.write_csv(table[COLUMNS].convert_dtypes(), path)  # counts without a point
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written ({error.strerror}); correct the path or its permissions"
            ) from None
    return written


def tables_of(results: str | os.PathLike) -> list[str]:
    """The names of the tables in the folder `results`, and NAME-probabilities where there are."""
    names = [path.parent.name for path in sorted(Path(results).glob("tables/*/table.csv"))]
    found = sorted(Path(results).glob("tables/*/probabilities.csv"))
    return names + [f"{path.parent.name}{PROBABILITIES}" for path in found]


def _table(results: str | os.PathLike, table: str) -> Path:
    if table.endswith(PROBABILITIES):
        name = table.removesuffix(PROBABILITIES)
        return Path(results) / "tables" / name / "probabilities.csv"
    return Path(results) / "tables" / table / "table.csv"


def _expected_files(folder: str | os.PathLike) -> list[Path]:
    found = sorted(Path(folder).glob("*.csv"))
    if not found:
        raise InputError(
            f"{folder}: found no CSV file, expected one for each table; correct the path"
        )
    return found


def _different(shared: pd.DataFrame, number: str) -> pd.DataFrame:
    """The rows whose `number` differs from the expected one."""
    expected, found = shared[number], shared[f"{number} found"]
    factor = {"value": 1, **dict.fromkeys(("low", "high", "least", "most"), BOUNDS)}.get(number, 0)
    tolerance = factor * shared["tolerance"]
    same = np.isclose(found, expected, rtol=0, atol=tolerance + ROUNDING, equal_nan=True)
    columns = {"number": number, "expected": expected, "found": found, "tolerance": tolerance}
    return shared[KEYS].assign(**columns)[~same]


def _with_tolerance(rows: pd.DataFrame, table: str, results: str | os.PathLike) -> pd.DataFrame:
    """`rows` of one table with their tolerance: as many images as fit in `NEAR_TIES`, or one."""
    if table.endswith(PROBABILITIES):
        in_percent = rows["metric"].str.startswith("accuracy")
        return rows.assign(tolerance=in_percent.map({True: NEAR_TIES, False: FITTED}))
    path = Path(results) / "scores" / f"{table}.parquet"
    scores = _read_parquet(path, ["method", "group", "loss", "kind"])
    fitted = scores[~scores["kind"].isin(SAME_EVERYWHERE)]
    # the name of a row is the display name, or the group if trainings have several names
    by_group = [method_name(*key) for key in zip(fitted["group"], fitted["loss"], strict=True)]
    near_ties = rows["method"].isin([*fitted["method"], *by_group])
    step = 100 / (rows["images"] * rows["trainings"])
    for row in rows.index[near_ties & (rows["metric"] == "mean_per_class")]:
        path = Path(results) / "data" / f"{rows.at[row, 'dataset']}.parquet"
        counts = _read_parquet(path, ["label"]).value_counts()
        step[row] *= counts.mean() / counts.min()  # for an image of the smallest class
    tolerance = step * np.maximum(1, np.floor(NEAR_TIES / step))
    return rows.assign(tolerance=tolerance.where(near_ties, 0.0).round(4))


def _read_parquet(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        return files.read_parquet(path, columns)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: cannot be read ({reason}), expected a file of the run; {_RUN}"
        ) from None


def _read_expected(path: Path) -> pd.DataFrame:
    found = _read(path, path.stem, COLUMNS, _WRITE)
    wrong = ~(np.isfinite(found["tolerance"]) & (found["tolerance"] >= 0))
    if wrong.any():
        raise InputError(
            f"{path}: found the tolerance {found.loc[wrong.idxmax(), 'tolerance']} in line "
            f"{wrong.idxmax() + 2}, expected percentage points from 0 on; {_WRITE}"
        )
    return found


def _read(path: Path, table: str, columns: list[str], remedy: str) -> pd.DataFrame:
    """The `columns` of a table's CSV; all except `KEYS` are numbers."""
    try:
        found = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: found no such file, expected a table; {remedy}") from None
    except (ValueError, OSError) as error:  # no text, no columns, rows of different length
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: cannot be read ({reason}), expected a CSV with the columns "
            f"{','.join(columns)}; {remedy}"
        ) from None
    for name in columns:
        if name not in found:
            raise InputError(
                f"{path}: found the columns {','.join(map(str, found))}, expected "
                f"{','.join(columns)}, but `{name}` is missing; {remedy}"
            )
    if (wrong := found["table"] != table).any():
        raise InputError(
            f"{path}: found {found.at[wrong.idxmax(), 'table']!r} as `table` in line "
            f"{wrong.idxmax() + 2}, expected {table!r}; {remedy}"
        )
    if (twice := found.duplicated(KEYS)).any():
        row = ", ".join(found.loc[twice.idxmax(), KEYS])
        raise InputError(
            f"{path}: found {row} again in line {twice.idxmax() + 2}, expected each row once; "
            f"{remedy}"
        )
    numbers = found[columns].drop(columns=KEYS)
    parsed = numbers.apply(pd.to_numeric, errors="coerce").astype("float64")
    for name in numbers:
        if (wrong := parsed[name].isna() & (numbers[name] != "")).any():
            raise InputError(
                f"{path}: found {numbers.at[wrong.idxmax(), name]!r} as `{name}` in line "
                f"{wrong.idxmax() + 2}, expected a number; {remedy}"
            )
    return found[KEYS].join(parsed)
