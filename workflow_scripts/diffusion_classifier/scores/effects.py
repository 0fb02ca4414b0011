"""Effect sizes: whether images of two groups differ in the captions that a model finds for them.

As in MMBias (Janghorbani & de Melo 2023) and DiffusionITM (Krojer et al. 2023): phi(x) is the mean
score of image x with captions of the first kind minus its mean with those of the second. The effect
size of groups X and Y is (mean phi over X - mean phi over Y) / standard deviation of phi over both
together (of the population, ddof 0). It is about -2 to 2; 0 is no difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .accuracy import method_name
from .matching_metrics import Similarities, shaped_items
from .matching_tables import Answers, Methods, Sets, trainings_of

PHI = ["loss", "subtask", "image", "side", "phi"]
EFFECTS = [
    *("table", "method", "dataset", "subtask", "value", "low", "high", "p"),
    *("trainings", "images", "loss", "kind"),
]
RESAMPLES = 2000


def associations(
    similarity: pd.DataFrame, data: pd.DataFrame, prompts: pd.DataFrame, where: str
) -> pd.DataFrame:
    """phi of every image of a comparison: the columns PHI; `side` is its group, 1 or -1."""
    parts = []
    shapes = [shape for shape in shaped_items(data) if shape.side.any()]
    for loss, found in similarity.groupby("loss", sort=False) if shapes else ():
        looked_up = Similarities(found, prompts, where)
        for shape in shapes:
            scores = looked_up.of(shape.images, shape.captions)[:, 0]
            first, second = shape.signs > 0, shape.signs < 0
            phi = (scores * first).sum(axis=1) / first.sum(axis=1) - (scores * second).sum(
                axis=1
            ) / second.sum(axis=1)
            own = {"image": shape.images[:, 0], "side": shape.side, "phi": phi, "loss": loss}
            parts.append(shape.items[["subtask"]].assign(**own))
    return pd.concat(parts, ignore_index=True)[PHI] if parts else pd.DataFrame(columns=PHI)


def associate_all(answers: Answers, sets: Sets) -> dict[tuple[str, str], pd.DataFrame]:
    """`associations` of all answers."""
    return {
        (name, dataset): associations(
            similarity, *sets[dataset], f"similarities of {name!r} on {dataset!r}"
        )
        for (name, dataset), similarity in answers.items()
    }


def effect_size(phi: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Effect sizes `(...)` of `phi` `(..., image)` between two groups; 0 where all of phi agree.

    `first` and `second` are positions of images, int64 `(..., images of the group)`.
    """
    x = np.take_along_axis(phi, np.broadcast_to(first, (*phi.shape[:-1], first.shape[-1])), -1)
    y = np.take_along_axis(phi, np.broadcast_to(second, (*phi.shape[:-1], second.shape[-1])), -1)
    spread = np.concatenate([x, y], axis=-1).std(axis=-1)
    apart = x.mean(axis=-1) - y.mean(axis=-1)
    return np.divide(apart, spread, out=np.zeros_like(apart), where=spread > 0)


def interval(
    phi: np.ndarray, first: np.ndarray, second: np.ndarray, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval by the bootstrap (Efron 1979): images are drawn within their group.

    `phi` is `(training, image)`: the value is the mean of the trainings' effect sizes, and with
    several trainings those are drawn too. `first` and `second` are positions of images.
    """
    rng, trainings = np.random.default_rng(seed), len(phi)
    drawn = [
        group[rng.integers(len(group), size=(RESAMPLES, len(group)))] for group in (first, second)
    ]
    every = np.broadcast_to(phi[:, None], (trainings, RESAMPLES, phi.shape[1]))
    sizes = effect_size(every, *drawn)  # (training, resample)
    chosen = rng.integers(trainings, size=(trainings, RESAMPLES))
    low, high = np.percentile(np.take_along_axis(sizes, chosen, 0).mean(axis=0), [2.5, 97.5])
    return float(low), float(high)


def permutation_p(phi: np.ndarray, first: np.ndarray, second: np.ndarray, seed: int = 0) -> float:
    """Two-sided p of no difference, by RESAMPLES random assignments of images to the groups.

    `phi` is `(image,)`, of several trainings their mean.
    """
    rng = np.random.default_rng(seed)
    observed = abs(effect_size(phi, first, second))
    both = np.tile(np.concatenate([first, second]), (RESAMPLES, 1))
    mixed = rng.permuted(both, axis=1)
    every = np.broadcast_to(phi, (RESAMPLES, len(phi)))
    drawn = np.abs(effect_size(every, mixed[:, : len(first)], mixed[:, len(first) :]))
    return float((1 + (drawn >= observed - 1e-12).sum()) / (1 + RESAMPLES))


def effect_table(
    methods: Methods, phis: Mapping[tuple[str, str], pd.DataFrame], table: str
) -> pd.DataFrame:
    """The columns EFFECTS, one row per method, data set and comparison (`subtask`).

    `phis[name, dataset]` are `associations`. `images` counts those of both groups.
    """
    every = [found.assign(name=name, dataset=dataset) for (name, dataset), found in phis.items()]
    every = [found for found in every if len(found)]
    if not every:
        return pd.DataFrame(columns=EFFECTS)
    rows = []
    keys = ["dataset", "loss", "subtask"]
    for (dataset, loss, subtask), found in pd.concat(every).groupby(keys, sort=False):
        for label, names in trainings_of(methods, found["name"]):
            row = _measured(found, names)
            head = (table, method_name(label, loss), dataset, subtask)
            kind = methods[names[0]]["kind"]
            rows.append((*head, *row[:4], len(names), row[4], loss, kind))
    return pd.DataFrame(rows, columns=EFFECTS)


def _measured(found: pd.DataFrame, names: Sequence[str]) -> tuple[float, float, float, float, int]:
    """Value, low, high, p, and the number of images."""
    wide = found.pivot(index=["image", "side"], columns="name", values="phi")[list(names)]
    phi, side = wide.to_numpy().T, wide.index.get_level_values("side").to_numpy()
    groups = np.flatnonzero(side > 0), np.flatnonzero(side < 0)
    value = float(effect_size(phi, *groups).mean())
    return value, *interval(phi, *groups), permutation_p(phi.mean(axis=0), *groups), len(side)
