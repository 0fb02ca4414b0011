"""Winoground's text, image and group score (Thrush et al., CVPR 2022, "Metrics").

Every method has a similarity table: columns `image, prompt, loss, score, evaluations, seconds`,
one row per loss and pair. `score` is float64 and larger for a better match: minus the mean error
for a diffusion classifier, the logit for CLIP (whose `loss` is "").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.engine.error_files import losses_in, pair_cost
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.selection.pruning import mean_errors

from .accuracy import LONG, METHOD, method_name, training_score

if TYPE_CHECKING:
    import xarray as xr

METRICS = {
    "text_score": "Text score",
    "image_score": "Image score",
    "group_score": "Group score",
    "calibrated_image_score": "Calibrated image score",
}
SIMILARITY = ["image", "prompt", "loss", "score", "evaluations", "seconds"]
_KEYS = ["loss", "example"]
_SCORES = ["s00", "s01", "s10", "s11"]


def similarities(errors: Sequence[xr.Dataset]) -> pd.DataFrame:
    """The similarity table of a diffusion classifier, for every stored loss.

    `errors` are error files of one evaluation. `score` is minus the mean error of the pair,
    `evaluations` the number of its samples and `seconds` its share of the files' compute.
    """
    spent = pair_cost(errors)
    parts = []
    for loss in losses_in(errors):
        found = mean_errors(errors, loss)
        found = found.assign(loss=loss, score=-found["error"])
        parts.append(found.merge(spent, on=["image", "prompt"]))
    return pd.concat(parts, ignore_index=True)[SIMILARITY]


def chance_similarities(data: pd.DataFrame, prompts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The similarity table of random guesses: uniform scores from `seed`.

    Their expected text and image score is 1/4, their group and calibrated image score 1/6.
    """
    pairs = candidates(data, prompts)
    drawn = np.random.default_rng(seed).random(len(pairs))
    return pairs.assign(loss="", score=drawn, evaluations=0.0, seconds=0.0)[SIMILARITY]


def example_scores(
    similarity: pd.DataFrame,
    data: pd.DataFrame,
    prompts: pd.DataFrame,
    where: str = "similarities",
) -> pd.DataFrame:
    """The scores of each example: one row per loss and example.

    Columns: `loss, example, tag`; `s00, s01, s10, s11`, float64: `s<c><i>` is the score of caption
    c with image i (mean over the prompts of a class); `u0, u1`: the score of image i with the
    unconditional prompt, NaN if there is none; and bools, in which all inequalities are strict:

    * `text_score`: s00 > s10 and s11 > s01, each image prefers its caption;
    * `image_score`: s00 > s01 and s11 > s10, each caption prefers its image;
    * `group_score`: both;
    * `calibrated_image_score`: the image score of s_ci - u_i.

    The plain image score compares errors of *different images*. A diffusion model's error bounds
    -log p(x|c), which depends far more on how hard the image is to denoise than on the caption. So
    errors of different images have no common scale; only differences for the same image have one
    (paper, "Variance reduction via difference testing"). s_ci - u_i is such a difference; it
    estimates log p(x|c) - log p(x) = log p(c|x) - log p(c), where p(c) is equal for both images.

    Without an unconditional prompt `calibrated_image_score` is False for every example, and
    `score_table` leaves it out. (Normalising over the example's two captions would not do: both
    inequalities would become s00 + s11 > s01 + s10, which half of all random scores fulfil.)

    Raises InputError, beginning with `where`, if a pair is missing, not finite or repeated.
    """
    scores = _side_by_side(similarity, data, prompts, where)
    s = scores[_SCORES].to_numpy().reshape(-1, 2, 2)  # (example, caption, image)
    u = scores[["u0", "u1"]].to_numpy()  # with NaN every comparison is False
    text = (s[:, 0, 0] > s[:, 1, 0]) & (s[:, 1, 1] > s[:, 0, 1])
    image = _image_score(s)
    return scores.assign(
        text_score=text,
        image_score=image,
        group_score=text & image,
        calibrated_image_score=_image_score(s - u[:, None, :]),
    )


def _image_score(s: np.ndarray) -> np.ndarray:
    """Whether each caption prefers its image, `(example,)`; `s` is `(example, caption, image)`."""
    return (s[:, 0, 0] > s[:, 0, 1]) & (s[:, 1, 1] > s[:, 1, 0])


def _side_by_side(
    similarity: pd.DataFrame, data: pd.DataFrame, prompts: pd.DataFrame, where: str
) -> pd.DataFrame:
    """The checked columns `loss, example, tag, s00 … s11, u0, u1` of `example_scores`."""
    if similarity.duplicated(["loss", "image", "prompt"]).any():
        raise InputError(
            f"{where}: found a pair of image and prompt twice for one loss, expected it once; "
            "recompute the similarities"
        )
    data = data.sort_values("image", kind="stable")
    data = data.assign(position=data.groupby("example").cumcount().astype(str))
    found = similarity[["loss", "image", "prompt", "score"]].merge(
        data[["image", "example", "position"]], on="image"
    )
    number = found["prompt"].to_numpy()
    empty = is_unconditional(prompts).to_numpy()[number]
    found["label"] = prompts["classidx"].to_numpy()[number]
    # this merge drops captions of other examples, which may have scores too
    captions = data[["example", "label", "position"]].rename(columns={"position": "caption"})
    named = found[~empty].merge(captions, on=["example", "label"])
    named["column"] = "s" + named["caption"] + named["position"]
    unconditional = found[empty].assign(column="u" + found.loc[empty, "position"])
    losses = pd.unique(similarity["loss"])
    index = pd.MultiIndex.from_product([losses, pd.unique(data["example"])], names=_KEYS)
    wide = pd.concat([named, unconditional]).pivot_table("score", _KEYS, "column")
    wide = wide.reindex(index=index, columns=[*_SCORES, "u0", "u1"]).reset_index()
    tag = wide["example"].map(data.drop_duplicates("example").set_index("example")["tag"])
    wide.columns.name = None
    wide.insert(2, "tag", tag)
    lacking = wide.loc[~np.isfinite(wide[_SCORES]).all(axis=1), "example"]
    if len(lacking):
        raise InputError(
            f"{where}: found no finite score for all four pairs of example {lacking.iloc[0]}, "
            "expected both images with both captions; recompute the similarities"
        )
    return wide


def score_table(
    methods: Mapping[str, Mapping[str, str]],
    similarities: Mapping[str, pd.DataFrame],
    data: pd.DataFrame,
    prompts: pd.DataFrame,
    table: str,
    dataset: str,
) -> pd.DataFrame:
    """Score `similarities[name]` of every method, with the columns of `accuracy.score_table`.

    One row per method, loss, tag (column `dataset`: `object`, `relation`, `both`, and `average`,
    the mean over all examples as in Thrush et al.) and metric. `value, low, high` are percent with
    a 95 % Wilson interval; `images` counts examples; `evaluations` and `seconds` are means per
    example. Rows are in the order of `methods`. Raises InputError as `example_scores`.
    """
    parts = []
    for name, method in methods.items():
        if name not in similarities:
            continue
        where = f"similarities of {method['label']!r} on {dataset!r}"
        scored = example_scores(similarities[name], data, prompts, where)
        scored = scored.merge(_example_cost(similarities[name], data), on=_KEYS)
        for loss, found in scored.groupby("loss", sort=False):
            rows = _rows(found, (table, method_name(method["label"], loss)))
            entry = {"name": name, **method}
            parts.append(rows.assign(loss=loss, **{key: entry[key] for key in METHOD}))
    order = [*LONG, "loss", "seconds", *METHOD]
    return pd.concat(parts, ignore_index=True)[order]


def correctness(
    similarities: Mapping[str, pd.DataFrame], data: pd.DataFrame, prompts: pd.DataFrame
) -> pd.DataFrame:
    """Which examples each of `similarities[name]` has right, for `accuracy.aggregate`.

    Columns `name, dataset` (the tag, or `average`), `loss, metric, image` (the example), `correct`.
    """
    parts = []
    for name, similarity in similarities.items():
        scored = example_scores(similarity, data, prompts, name)
        for tag, found in _parts(scored).items():
            long = found.melt(["loss", "example"], list(METRICS), "metric", "correct")
            parts.append(long.assign(name=name, dataset=tag).rename(columns={"example": "image"}))
    columns = ["name", "dataset", "loss", "metric", "image", "correct"]
    found = pd.concat(parts, ignore_index=True)[columns]
    return found.astype({"correct": bool})


def _parts(scored: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The examples of each tag, and all of them as `average`."""
    tags = ("Object", "Relation", "Both")
    return {tag.lower(): scored[scored["tag"] == tag] for tag in tags} | {"average": scored}


def _example_cost(similarity: pd.DataFrame, data: pd.DataFrame) -> pd.DataFrame:
    """Columns `loss, example, evaluations, seconds`, summed over the pairs of an example."""
    found = similarity.merge(data[["image", "example"]], on="image")
    return found.groupby(_KEYS, as_index=False)[["evaluations", "seconds"]].sum()


def _rows(found: pd.DataFrame, head: tuple[str, str]) -> pd.DataFrame:
    """The rows of one method and loss; `head` is the table and the method's name."""
    rows = []
    for part, examples in _parts(found).items():
        has_unconditional = bool(examples["u0"].notna().all())
        metrics = [m for m in METRICS if has_unconditional or m != "calibrated_image_score"]
        for metric in metrics if len(examples) else ():
            measured = training_score(examples[metric].to_numpy()[None])
            spent = (examples["evaluations"].mean(), examples["seconds"].mean())
            rows.append((*head, part, metric, *measured, *spent))
    return pd.DataFrame(rows, columns=[*LONG, "seconds"])
