"""Which classes survive a cheap look: as many as a risk allows that is calibrated on other images.

A cheap method gives every class of an image a score, lower for likelier classes. A class survives
if its score is at most τ above the image's best. τ is the ⌈(n + 1)(1 - risk)⌉-th smallest of the
gaps between the true class's score and the best score of n calibration images. If calibration and
test images are exchangeable, the true class of a test image survives with a probability of at least
1 - risk (split conformal prediction: Vovk et al. 2005; Papadopoulos et al. 2002). Clear images keep
one class, doubtful ones many.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from diffusion_classifier.messages import InputError

if TYPE_CHECKING:
    import pandas as pd


def gaps(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How far each image's true class is behind the best, `(image,)`, from `(image, class)`."""
    return scores[np.arange(len(scores)), labels] - scores.min(axis=1)


def threshold(behind: np.ndarray, risk: float) -> float:
    """τ for the `gaps` of calibration images; infinite if there are fewer than `fewest(risk)`.

    >>> threshold(np.array([0.0, 3.0, 1.0, 2.0]), risk=0.5)
    2.0
    """
    rank = ceil(round((len(behind) + 1) * (1 - risk), 9))
    return float(np.sort(behind)[rank - 1]) if rank <= len(behind) else np.inf


def fewest(risk: float) -> int:
    """The least number of calibration images that gives a finite threshold.

    >>> fewest(0.01)
    99
    """
    return ceil(round(1 / risk - 1, 9))


def survivors(
    scores: np.ndarray, images: np.ndarray, most_behind: float, keep: int
) -> pd.DataFrame:
    """The classes at most `most_behind` above an image's best, and not more than the `keep` best.

    `scores` is `(image, class)` and `images` `(image,)` their numbers. Returns `image, class`
    int64, sorted; of equal scores the earlier class comes first.
    """
    import pandas as pd  # checking a config imports this module, but not pandas

    rank = np.argsort(np.argsort(scores, axis=1, kind="stable"), axis=1)
    near = scores - scores.min(axis=1, keepdims=True) <= most_behind
    row, chosen = np.nonzero(near & (rank < keep))
    return pd.DataFrame({"image": np.asarray(images, "int64")[row], "class": chosen})


def calibrated(scores: np.ndarray, labels: np.ndarray, risk: float, keep: int) -> dict[str, float]:
    """The `threshold` for a risk, and what it does on the calibration images themselves.

    `ceiling` is the share of images (percent) whose true class is among the `left` survivors per
    image, `top1` that of images whose true class is first. Raises InputError if there are fewer
    images than `fewest(risk)`.
    """
    if len(scores) < fewest(risk):
        raise InputError(
            f"calibration: found {len(scores)} images, expected at least {fewest(risk)} for "
            f"a risk of {risk:g}; take more images, or a higher `risk`"
        )
    behind = gaps(scores, labels)
    most_behind = threshold(behind, risk)
    chosen = survivors(scores, np.arange(len(scores)), most_behind, keep)
    kept = chosen["class"].to_numpy() == labels[chosen["image"]]
    return {
        "risk": risk,
        "threshold": most_behind,
        "images": len(scores),
        "top1": 100 * float((behind == 0).mean()),
        "ceiling": 100 * int(kept.sum()) / len(scores),
        "left": len(chosen) / len(scores),
    }
