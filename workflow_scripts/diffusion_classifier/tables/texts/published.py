"""Compare our numbers with the paper's."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping

import pandas as pd

from diffusion_classifier.messages import InputError
from diffusion_classifier.names import normalised
from diffusion_classifier.scores.accuracy import COMPARED, long_form

from .aligned import aligned
from .escaping import latex
from .wide_tables import interval_text, text_grid

KEYS = ["table", "method", "dataset", "metric"]
COLUMNS = [*KEYS, "value"]
NOTHING = "None of these methods has a published number on these data sets."


def read_published(path: str | os.PathLike) -> pd.DataFrame:
    """Published numbers from a CSV: `table, method, dataset, metric, value` (percent, float64).

    Raises InputError, beginning with the path, if the file is missing or has another form, if a
    value is not a percentage, or if a number is repeated.
    """
    try:
        found = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(
            f"{path}: found no such file, expected a CSV with the columns {','.join(COLUMNS)}; "
            "correct the path or leave `published` out"
        ) from None
    except (ValueError, OSError) as error:  # no text, no columns, rows of different length
        raise InputError(
            f"{path}: found no readable CSV ({error}), expected the columns {','.join(COLUMNS)}; "
            "correct the file"
        ) from None
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise InputError(
            f"{path}: found the columns {', '.join(map(str, found))}, expected "
            f"{', '.join(COLUMNS)}, but `{missing[0]}` is missing; add it"
        )
    found[KEYS] = found[KEYS].map(normalised)
    values = pd.to_numeric(found["value"], errors="coerce")
    for wrong, expected in (
        (~values.between(0, 100), "a percentage from 0 to 100"),
        (found.duplicated(KEYS), "one value for each table, method, data set and metric"),
    ):
        if wrong.any():
            row = found[wrong].iloc[0]
            raise InputError(
                f"{path}: found {row['value']!r} in line {wrong.idxmax() + 2} ({row['table']}, "
                f"{row['method']}, {row['dataset']}, {row['metric']}), expected {expected}; "
                "correct it"
            )
    return found[COLUMNS].assign(value=values.astype("float64"))


def of_table(published: pd.DataFrame, table: str, kind: str) -> pd.DataFrame:
    """The `published` numbers (see `read_published`) of a table: those of its name, else its kind.

    Their `table` becomes the table's name. The kind `compositional` may also be called
    `winoground`, after the paper's only such table.
    """
    names = [table, kind, *(["winoground"] if kind == "compositional" else [])]
    name = next((name for name in names if name in set(published["table"])), table)
    return published[published["table"] == name].assign(table=table)


def attach(
    rows: pd.DataFrame,
    published: pd.DataFrame,
    methods: Mapping[str, str],
    datasets: Mapping[str, str],
    loss: str,
) -> pd.DataFrame:
    """`rows` (see `accuracy.aggregate`) with the columns `published, difference, inside`.

    `methods` maps groups of `rows` to their names in `published` (see `read_published`), and
    `datasets` maps data sets; one that it lacks has the same name there. `difference` is ours minus
    the paper's, in points; `inside` is whether the paper's number lies in our 95 % interval, bounds
    included. All three are missing if nothing was published, and for losses other than `loss`, as
    the paper has one number per method.
    """
    keys = pd.DataFrame(
        {
            "table": rows["table"],
            "method": rows["group"].map(lambda name: methods.get(name, "")),
            "dataset": rows["dataset"].map(lambda name: datasets.get(name, name)),
            "metric": rows["metric"],
        }
    )
    keys["method"] = keys["method"].where(rows["loss"].isin(["", loss]), "")
    value = keys.merge(published, on=KEYS, how="left")["value"].set_axis(rows.index)
    inside = ((rows["low"] <= value) & (value <= rows["high"])).astype("boolean")
    compared = (value, rows["value"] - value, inside.mask(value.isna()))
    return rows.assign(**dict(zip(COMPARED, compared, strict=True)))


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of `attach` that have a published number, in `accuracy.long_form`."""
    return long_form(rows[rows["published"].notna()]).reset_index(drop=True)


def beside(rows: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Our numbers and the paper's as text, laid out like the paper's tables: methods x data sets.

    `rows` come from `attach`; `columns` maps data sets to headers. A cell has three lines,
    "61.0 [58.9, 63.1]", "paper 61.4" and "-0.4, inside" (the paper's number lies in our interval)
    or "-0.4, outside".
    """
    found = _shown(rows, columns)
    text = [
        f"{interval_text(r.value, r.low, r.high)}\npaper {r.published:.1f}\n"
        f"{_signed(r.difference)}, {'inside' if r.inside else 'outside'}"
        for r in found.itertuples()
    ]
    return text_grid(found.assign(text=text), "shown", columns).rename_axis(index=None)


def listed(rows: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The numbers of `beside` as text with one row per method and data set."""
    found = _shown(rows, columns)
    return pd.DataFrame(
        {
            "method": found["shown"],
            "data set": found["dataset"].map(columns),
            "ours (%)": [interval_text(r.value, r.low, r.high) for r in found.itertuples()],
            "paper (%)": found["published"].map("{:.1f}".format),
            "difference (points)": found["difference"].map(_signed),
            "paper's in our interval": found["inside"].map({True: "yes", False: "no"}),
        }
    ).reset_index(drop=True)


def statements(rows: pd.DataFrame, columns: Mapping[str, str]) -> list[str]:
    """One sentence per method: how many of the paper's numbers lie in our intervals."""
    sentences = []
    for method, found in _shown(rows, columns).groupby("shown", sort=False):
        outside = found[~found["inside"].astype(bool)]
        names = ", ".join(
            f"{columns[r.dataset]} ({_signed(r.difference)})" for r in outside.itertuples()
        )
        sentences.append(
            f"{method}: {len(found) - len(outside)} of {len(found)} of the paper's numbers lie in "
            f"our interval{f'; outside: {names}' if names else ''}. Mean difference "
            f"{_signed(found['difference'].mean())} points."
        )
    return sentences


def to_text(rows: pd.DataFrame, columns: Mapping[str, str], caption: str) -> str:
    """`listed` for the terminal, below `caption`."""
    table = listed(rows, columns).set_index("method")
    lines = aligned(table) if len(table) else [NOTHING]
    return "\n".join([*textwrap.wrap(caption, 160), *lines]) + "\n"


def to_latex(rows: pd.DataFrame, columns: Mapping[str, str], caption: str, label: str) -> str:
    """`listed` for LaTeX with booktabs."""
    table = listed(rows, columns).style.hide(axis="index").format(latex)
    table = table.format_index(latex, axis=1)
    return table.to_latex(
        hrules=True,
        column_format="llccrc",
        position_float="centering",
        caption=latex(caption),
        label=label,
    )


def _shown(rows: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The rows with a published number; `shown` is the method and, if there are several, metric."""
    found = rows[rows["published"].notna() & rows["dataset"].isin(list(columns))]
    several = found["metric"].nunique() > 1
    shown = found["method"] + ", " + found["metric"] if several else found["method"]
    return found.assign(shown=shown)


def _signed(points: float) -> str:
    return f"{points:+.1f}"
