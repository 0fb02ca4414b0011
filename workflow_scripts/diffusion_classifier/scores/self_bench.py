"""Accuracy on a model's own drawings, on other models' drawings, and on real images.

Self-Bench (Jeong et al. 2025, arXiv 2505.17955, section 4): a diffusion classifier is asked about
images that the same model drew (in-domain) or another one (cross-domain).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

IN, CROSS, REAL = "in-domain", "cross-domain", "real"
DOMAINS = (IN, CROSS, REAL)
GAPS = ((IN, CROSS), (IN, REAL))
"""The pairs of domains whose difference is told."""


def domain(drawn_by: str, model: str) -> str:
    """One of DOMAINS for images that the model `drawn_by` drew ("": real), asked of `model`.

    >>> domain("sd", "sd"), domain("sd", ""), domain("", "sd")
    ('in-domain', 'cross-domain', 'real')
    """
    if not drawn_by:
        return REAL
    return IN if drawn_by == model else CROSS


def with_domains(
    rows: pd.DataFrame, drawn_by: Mapping[str, str], model_of: Mapping[str, str]
) -> pd.DataFrame:
    """`rows` (`name, dataset`) with the column `domain`, see `domain`.

    `drawn_by[dataset]` is the model that drew the images, `model_of[name]` that of a method; both
    are "" where there is none.
    """
    pairs = zip(rows["name"], rows["dataset"], strict=True)
    return rows.assign(domain=[domain(drawn_by[data], model_of[name]) for name, data in pairs])


def domain_means(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean accuracy over the data sets of each domain, one row per method and domain.

    `rows` has `method, domain, value, low, high`, in percent. Columns: these and `datasets`, the
    number of them. The interval is MOVER's for a mean of independent accuracies (Zou & Donner
    2008): half widths add in squares.
    """
    found = []
    for method in pd.unique(rows["method"]):
        for name in DOMAINS:
            own = rows[(rows["method"] == method) & (rows["domain"] == name)]
            if len(own):
                found.append((method, name, *_mean(own), len(own)))
    return pd.DataFrame(found, columns=["method", "domain", "value", "low", "high", "datasets"])


def _mean(rows: pd.DataFrame) -> tuple[float, float, float]:
    value, count = rows["value"].mean(), len(rows)
    below = np.sqrt(((rows["value"] - rows["low"]) ** 2).sum()) / count
    above = np.sqrt(((rows["high"] - rows["value"]) ** 2).sum()) / count
    return value, value - below, value + above


def gaps(means: pd.DataFrame) -> pd.DataFrame:
    """In-domain accuracy minus that of the other domains, in points, from `domain_means`.

    Columns `method, minus, value, low, high`. As images differ, the accuracies are independent, and
    the interval of a difference of two is Newcombe's hybrid score interval (Statistics in Medicine
    17, 1998, method 10 for unpaired proportions). A method without drawings of its own has none.
    """
    found = []
    for method, own in means.groupby("method", sort=False):
        of_domain = {row.domain: row for row in own.itertuples()}
        for name, minus in GAPS:
            if name in of_domain and minus in of_domain:
                found.append((method, minus, *_difference(of_domain[name], of_domain[minus])))
    return pd.DataFrame(found, columns=["method", "minus", "value", "low", "high"])


def dataset_gaps(rows: pd.DataFrame) -> pd.DataFrame:
    """In-domain accuracy minus that on each other data set, where a domain has several.

    `rows` are as in `domain_means`, with `dataset`. Columns `method, minus` (the domain),
    `dataset`, `value, low, high` in points, with intervals as in `gaps`.
    """
    found = []
    for method, own in rows.groupby("method", sort=False):
        inside = own[own["domain"] == IN]
        for name in (CROSS, REAL):
            others = own[own["domain"] == name]
            for row in others.itertuples() if len(inside) and len(others) > 1 else ():
                mean = Part(*_mean(inside))
                found.append((method, name, row.dataset, *_difference(mean, row)))
    return pd.DataFrame(found, columns=["method", "minus", "dataset", "value", "low", "high"])


class Part(NamedTuple):
    """An accuracy and its interval, in percent."""

    value: float
    low: float
    high: float


def _difference(a, b) -> tuple[float, float, float]:
    value = a.value - b.value
    below = np.hypot(a.value - a.low, b.high - b.value)
    above = np.hypot(a.high - a.value, b.value - b.low)
    return value, value - below, value + above


def told_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` in which trainings of one method have different names: each drew images of its own.

    A row per `name`, `loss` and data set; several names of one `method` are put behind it.
    """
    names = rows.groupby("method")["name"].nunique()
    several = rows["method"].map(names) > 1
    method = rows["method"].where(~several, rows["method"] + " (" + rows["name"] + ")")
    return rows.assign(method=method)


def sentences(differences: pd.DataFrame, text: Mapping[str, str]) -> Sequence[str]:
    """A sentence for each of `gaps`; `text` maps domains to how they are called."""
    return [
        f"{row.method}: {text[IN]} minus {text[row.minus]} {row.value:+.1f} points "
        f"[{row.low:+.1f}, {row.high:+.1f}]."
        for row in differences.itertuples()
    ]


def dataset_sentences(
    differences: pd.DataFrame, text: Mapping[str, str], labels: Mapping[str, str]
) -> Sequence[str]:
    """A sentence for each of `dataset_gaps`; `labels` are the data sets' names."""
    return [
        f"{row.method}: {text[IN]} minus {labels[row.dataset]} ({text[row.minus]}) "
        f"{row.value:+.1f} points [{row.low:+.1f}, {row.high:+.1f}]."
        for row in differences.itertuples()
    ]
