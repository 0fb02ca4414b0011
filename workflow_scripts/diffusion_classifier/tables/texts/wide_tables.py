"""The paper's wide tables from long score rows: methods down, data sets across."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from pandas.io.formats.style import Styler

from diffusion_classifier.messages import InputError
from diffusion_classifier.scores.compared_kinds import COMPARED_KINDS

from .aligned import aligned
from .escaping import latex, width

MISSING = "—"
BEST = "font-weight: bold"


def wide(rows: pd.DataFrame, columns: Mapping[str, str], metric: str = "top1") -> pd.DataFrame:
    """Methods x data sets, each with `value, low, high` in percent; NaN where not measured.

    `rows` come from `accuracy.aggregate`; `columns` maps data sets to headers, in order. Returns
    columns (header, value|low|high) with an index (method, its `trainings`). Raises InputError if a
    method occurs twice on a data set.
    """
    shown = rows[(rows["metric"] == metric) & rows["dataset"].isin(list(columns))]
    if shown.duplicated(["method", "dataset"]).any():
        twice = shown.loc[shown.duplicated(["method", "dataset"]), "method"].iloc[0]
        raise InputError(f"method {twice!r} occurs twice on a data set; aggregate its seeds first")
    found = shown.pivot(index="method", columns="dataset", values=["value", "low", "high"])
    found = found.reindex(pd.unique(shown["method"]))
    counts = trainings(shown)
    index = [(method, counts[method]) for method in found.index]
    found.index = pd.MultiIndex.from_tuples(index)
    parts = {
        header: found.xs(dataset, axis=1, level=1)
        for dataset, header in columns.items()
        if dataset in set(shown["dataset"])
    }
    return pd.concat(parts, axis=1)


def trainings(rows: pd.DataFrame) -> dict[str, str]:
    """`trainings_text` of each method in `rows`, which come from `accuracy.aggregate`."""
    every = rows.drop_duplicates("method").itertuples()
    return {row.method: trainings_text(row.trainings, row.varies) for row in every}


def trainings_text(count: int, varies: str) -> str:
    """ "5 trainings", or "5 seeds" of guesses, or "deterministic" of a fit without randomness.

    `varies` comes from `methods.method_varies`.
    """
    return f"{count} {varies}{'s' if count > 1 else ''}" if varies else "deterministic"


def covered(things: str) -> str:
    """A caption's sentence on what the intervals cover; `things` are "images" or "examples"."""
    return (
        f"95 % intervals cover the choice of {things} and, with several trainings, of trainings; a "
        "row of 1 training says nothing about another training."
    )


def with_trainings(rows: pd.DataFrame) -> dict[str, str]:
    """Method → "method (5 trainings)", its name in a comparison of two methods."""
    return {method: f"{method} ({count})" for method, count in trainings(rows).items()}


def interval_text(value: float, low: float, high: float, sign: bool = False) -> str:
    """ "96.2 [94.1, 97.6]", with signs for a difference."""
    if pd.isna(value):
        return MISSING
    form = "+.1f" if sign else ".1f"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def narrow_interval_text(value: float, low: float, high: float) -> str:
    """ "96.2 [94.1,97.6]"."""
    return interval_text(value, low, high).replace(", ", ",")


def half_width_text(value: float, low: float, high: float) -> str:
    """ "96.2 ±1.8", with the larger half of the interval, which is not quite symmetric."""
    return MISSING if pd.isna(value) else f"{value:.1f} ±{max(high - value, value - low):.1f}"


def value_text(value: float, *_: float) -> str:
    """ "96.2": without the interval."""
    return MISSING if pd.isna(value) else f"{value:.1f}"


def cells(
    table: pd.DataFrame, text: Callable[[float, float, float], str] = interval_text
) -> pd.DataFrame:
    """`wide`'s numbers as text, methods x headers; `text` makes a cell of value, low, high."""
    headers = table.columns.unique(0)
    return pd.DataFrame(
        {h: [text(*row) for row in table[h].itertuples(index=False)] for h in headers},
        index=table.index,
    )


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Whether a value is the highest of its column, as printed: methods x headers, bool."""
    values = table.xs("value", axis=1, level=1).round(1)
    return values.eq(values.max())


def _styler(
    table: pd.DataFrame,
    caption: str,
    name: str = "scores",
    text: Callable[[float, float, float], str] = interval_text,
) -> Styler:
    marked = best(table).replace({True: BEST, False: ""})
    # A fixed id keeps the file the same from run to run.
    styler = Styler(cells(table, text), uuid=name, caption=caption or None)
    return styler.apply(lambda _: marked, axis=None)


def to_html(
    table: pd.DataFrame,
    caption: str = "",
    name: str = "scores",
    text: Callable[[float, float, float], str] = interval_text,
) -> str:
    """`wide`'s table as an HTML fragment, the best of each column in bold.

    `name` becomes the table's HTML id: give each table of a page its own. `text` makes a cell.
    """
    return _html(_styler(table, html.escape(caption, quote=False), name, text))


def _html(styler: Styler) -> str:
    styler = styler.format(escape="html").format_index(escape="html")
    return styler.format_index(escape="html", axis=1).set_table_styles(TABLE_STYLE).to_html()


def paragraph_html(text: str) -> str:
    """A paragraph of plain text as HTML."""
    return f"<p>{html.escape(text, quote=False)}</p>"


def frame_html(frame: pd.DataFrame, name: str, index: bool = True) -> str:
    """A frame of text (`comparison`, `cost`, …) as an HTML fragment that looks like `to_html`.

    `name` becomes the table's HTML id: give each table of a page its own.
    """
    styler = Styler(frame, uuid=name)
    return _html(styler if index else styler.hide(axis="index"))


def to_latex(table: pd.DataFrame, caption: str = "", label: str = "") -> str:
    """`wide`'s table for LaTeX with booktabs, the best of each column in bold."""
    styler = _styler(table, latex(caption)).format(latex)
    styler = styler.format_index(latex).format_index(latex, axis=1)
    return styler.to_latex(
        hrules=True,
        convert_css=True,
        column_format="l" * table.index.nlevels + "c" * len(best(table).columns),
        position_float="centering",
        label=label or None,
    )


def to_text(table: pd.DataFrame, caption: str = "", most: int = 160) -> str:
    """`wide`'s table for the terminal, the best of each column with a `*`.

    If the table would be wider than `most` columns, intervals become half widths; if that is still
    too wide, they are left out.
    """
    notes = {
        interval_text: "; brackets: 95 % interval",
        narrow_interval_text: "; brackets: 95 % interval",
        half_width_text: "; ±: 95 % interval",
        value_text: "; the page and table.csv have the 95 % intervals",
    }
    for text in notes:
        lines = aligned(cells(table, text) + best(table).replace({True: "*", False: " "}))
        if width(lines[0]) <= most:
            break
    lines.append(f"* best of the column{notes[text]}")
    return "\n".join([*textwrap.wrap(caption, most), *lines]) + "\n"


def overlaps(
    rows: pd.DataFrame, method: str, columns: Mapping[str, str], metric: str = "top1"
) -> list[str]:
    """One sentence per data set: which methods' 95 % intervals overlap with that of `method`."""
    sentences = []
    for dataset, header in columns.items():
        on = rows[(rows["metric"] == metric) & (rows["dataset"] == dataset)].set_index("method")
        if method not in on.index:
            continue
        score, others = on.loc[method], on.drop(index=method)
        others = others[others["kind"].isin(COMPARED_KINDS)]
        above, below = others["high"] < score["low"], others["low"] > score["high"]
        verdicts = {
            "overlaps with": others.index[~above & ~below],
            "lies wholly above": others.index[above],
            "lies wholly below": others.index[below],
        }
        text = "; ".join(
            f"{verb} {', '.join(names)}" for verb, names in verdicts.items() if len(names)
        )
        interval = interval_text(score["value"], score["low"], score["high"])
        sentences.append(
            f"{header}: {method}, {interval} %, {text or 'has no baseline to compare'}."
        )
    return sentences


def comparison(
    paired: pd.DataFrame, names: Mapping[str, str], columns: Mapping[str, str], loss: str
) -> pd.DataFrame:
    """`paired_tests.paired_table` for one loss as text: method a, method b x data sets.

    `names` maps methods to display names (see `with_trainings`). A cell has two lines,
    "+1.2 [-0.3, +2.6]" and "p = 0.12", so that six data sets fit a page.
    """
    chosen = paired[(paired["loss"] == loss) & paired["dataset"].isin(list(columns))]
    text = [
        f"{interval_text(r.difference, r.low, r.high, sign=True)}\n{p_value(r.p)}"
        for r in chosen.itertuples()
    ]
    compared = chosen[["method_a", "method_b"]].map(lambda name: names.get(name, name))
    grid = text_grid(chosen.assign(text=text, **compared), ["method_a", "method_b"], columns)
    return grid.rename_axis(index=["method", "minus"])


def text_grid(
    rows: pd.DataFrame, index: str | list[str], columns: Mapping[str, str]
) -> pd.DataFrame:
    """The column `text` of `rows` laid out as methods x data sets.

    `index` is the column (or columns) of the methods, which keep their order; `columns` maps data
    sets to headers, in order.
    """
    grid = rows.pivot(index=index, columns="dataset", values="text").fillna(MISSING)
    grid = grid.reindex(rows.set_index(index).index.unique())
    grid = grid[[dataset for dataset in columns if dataset in grid]]
    return grid.rename(columns=columns).rename_axis(columns=None)


def effective_robustness(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """`robustness.effective_robustness_table` as text with readable headers."""
    return pd.DataFrame(
        {
            "shift": table["dataset"].map(lambda dataset: columns.get(dataset, dataset)),
            "method": table["method"],
            "trainings": table["method"].map(trainings(table)),
            "accuracy (%)": table["accuracy"].map("{:.1f}".format),
            "line predicts (%)": table["prediction"].map("{:.1f}".format),
            "effective robustness (points)": [
                interval_text(r.value, r.low, r.high, sign=True) for r in table.itertuples()
            ],
        }
    )


def p_value(p: float) -> str:
    """ "p = 0.12", or "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def cost(rows: pd.DataFrame, columns: Mapping[str, str], losses: Sequence[str]) -> pd.DataFrame:
    """Evaluations and milliseconds per image as text: methods x data sets, from aggregated rows."""
    shown = rows[(rows["metric"] == "top1") & rows["loss"].isin(["", *losses])]
    text = [
        f"{_short(r.evaluations, 4)} / {_short(1000 * r.seconds, 2)} ms" for r in shown.itertuples()
    ]
    return text_grid(shown.assign(text=text), "method", columns).rename_axis(index=None)


def _short(value: float, digits: int) -> str:
    """A number with `digits` significant digits and without an exponent."""
    return f"{value:,.0f}" if value >= 10**digits else f"{value:.{digits}g}"


TABLE_STYLE = [
    {"selector": "", "props": "border-collapse: collapse; font: 0.85em sans-serif"},
    {"selector": "caption", "props": "text-align: left; padding: 0.5em 0; max-width: 60em"},
    {
        "selector": "th, td",
        "props": "padding: 0.25em 0.6em; text-align: right; white-space: pre",
    },
    {"selector": "th.row_heading", "props": "text-align: left; font-weight: normal"},
    {"selector": "thead tr", "props": "border-bottom: 1px solid"},
]
