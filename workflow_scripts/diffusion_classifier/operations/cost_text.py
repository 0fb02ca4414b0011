"""Parts of the text on costs: numbers, times, prices, aligned tables and the longest jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffusion_classifier.tables.texts.escaping import in_columns

if TYPE_CHECKING:
    from .costs import Cost

JOURNAL = 60
"""Seconds between two writes of a journal, unless the config says otherwise."""
_SHOWN = 10


def longest_jobs(costs: list[Cost], price: float | None, journal: float) -> list[str]:
    """Lines on the longest job of each of `costs`, and on what is lost if one vanishes.

    `price` is that of a device's hour, if the config states one; `journal` are the seconds between
    two writes of a journal.
    """
    costs = sorted(costs, key=lambda cost: -cost.longest_hours)
    rows = [("the longest jobs", "data set", "jobs", "minutes", *["price"] * (price is not None))]
    for cost in costs[:_SHOWN]:
        spent = [f"{cost.longest_hours * price:,.2f}"] if price is not None else []
        minutes = at_most(cost.most, number(60 * cost.longest_hours))
        rows.append((cost.method, cost.dataset, f"{cost.jobs:,}", minutes, *spent))
    more = len(costs) - _SHOWN
    return [
        *table_lines(rows),
        *([f"  … and {more} with shorter jobs"] if more > 0 else []),
        "A job that vanishes loses that much without a shared folder. With one, its journal leaves",
        f"at most {journal:g} s to repeat{money(journal / 3600, price)}.",
    ]


def money(hours: float, price: float | None) -> str:
    """The price of device hours in brackets; empty if there is no price of an hour."""
    return "" if price is None else f" (costs {hours * price:,.2f})"


def at_most(most: bool, text: str) -> str:
    """A number as text, marked as an upper limit if `most`."""
    return f"≤{text}" if most and text != "?" else text


def table_lines(rows: list[tuple[str, ...]]) -> list[str]:
    """Indented lines with aligned columns; the first two are texts, the others numbers."""
    return [f"  {line}".rstrip() for line in in_columns(rows, left={0, 1})]


def number(value: float | None) -> str:
    """A count or a rate as text, `?` if unknown."""
    if value is None:
        return "?"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def time_of(hours: float | None) -> str:
    """A device's hours as text, `?` if unknown."""
    if hours is None or hours >= 48:
        return "?" if hours is None else f"{hours / 24:,.1f} d"
    return f"{hours:.0f} h" if hours >= 1 else f"{max(1, 60 * hours):.0f} min"
