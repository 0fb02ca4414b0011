"""The numbers of images and classes that are known without opening a source."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from diffusion_classifier.messages import InputError, known

from ..class_lists import class_count as listed_classes

MNIST = {"train": 4000, "test": 1000}
UCI_DIGITS = 1797
SCENES = {"captions": 30000, "train": 2000, "validation": 500, "test": 1000}
CLASSES = {"shapes": 6, "colours": 6, "sizes": 2, "colour-shape": 36, "captions": 1}

# images per split and classes of torchvision's data sets, from their authors
TORCHVISION: dict[str, dict[str, int]] = {
    "Food101": {"train": 75750, "test": 25250},
    "FGVCAircraft": {"train": 3334, "val": 3333, "trainval": 6667, "test": 3333},
    "OxfordIIITPet": {"trainval": 3680, "test": 3669},
    "Flowers102": {"train": 1020, "val": 1020, "test": 6149},
    "STL10": {"train": 5000, "test": 8000},
}
TORCHVISION_CLASSES = {
    "Food101": 101,
    "FGVCAircraft": 100,
    "OxfordIIITPet": 37,
    "Flowers102": 102,
    "STL10": 10,
}

# data sets of torchvision that this source does not open: the reason and what to use instead
_ELSEWHERE = {
    "CIFAR10": "its files are pickles, which can run code; use `source: huggingface` with "
    "`dataset: uoft-cs/cifar10`",
    "CIFAR100": "its files are pickles, which can run code; use `source: huggingface` with "
    "`dataset: uoft-cs/cifar100` and `label_column: fine_label`",
    "ImageNet": "its class names are unpickled, which can run code; use `source: imagenet`",
    "MNIST": "other sources have it; use `source: mnist`, or `source: huggingface` with "
    "`dataset: ylecun/mnist`",
}

_CIFAR = {"train": 50000, "test": 10000}
HUB: dict[str, dict[str, int]] = {"uoft-cs/cifar10": _CIFAR, "uoft-cs/cifar100": _CIFAR}
HUB_CLASSES = {
    ("uoft-cs/cifar10", None): 10,
    ("uoft-cs/cifar10", "label"): 10,
    ("uoft-cs/cifar100", "fine_label"): 100,
    ("uoft-cs/cifar100", "coarse_label"): 20,
}
WINOGROUND = {"facebook/winoground": 400}

# images in the whole data sets; a user's folder may hold a part
IMAGENET_FAMILY = {
    "imagenet": 50000,
    "imagenet-v2": 10000,
    "imagenet-a": 7500,
    "objectnet": 18574,  # the images of classes that ImageNet also has, of 50,000
}
IMAGENET_TRAIN = 1281167
_FAMILY_CLASSES = {"imagenet": 1000, "imagenet-v2": 1000, "imagenet-a": 200, "objectnet": 113}


def size(spec: dict[str, Any]) -> int | None:
    """Number of images of a data set entry before its `limit` and `skip`, including copies.

    With `indices`, their number; for Winoground, the number of examples. None if a file must be
    read to know the number.
    """
    if "indices" in spec:
        return len(spec["indices"]) if isinstance(spec["indices"], list) else None
    images = _images(spec)
    return None if images is None else images * spec.get("copies", 1)


def expected_size(spec: dict[str, Any]) -> int | None:
    """Like `size`, but for data sets in the user's folders the size of the whole data set.

    It serves for estimates of costs. None if there is no estimate.
    """
    known = size(spec)
    if known is not None or "indices" in spec or spec.get("classes") is not None:
        return known
    images = IMAGENET_FAMILY.get(spec["source"])
    if spec["source"] == "imagenet" and PurePath(spec["path"]).name == "train":
        images = IMAGENET_TRAIN
    return None if images is None else images * spec.get("copies", 1)


def class_count(spec: dict[str, Any]) -> int | None:
    """Number of classes of a data set entry's source; None if it is unknown or every image is a
    class.
    """
    source = spec["source"]
    if source == "scenes":
        return CLASSES[spec["task"]]
    if source == "torchvision":
        return TORCHVISION_CLASSES.get(spec["dataset"])
    if source == "huggingface":
        return HUB_CLASSES.get((spec["dataset"], spec.get("label_column")))
    if spec.get("classes") is not None:
        return listed_classes(spec["classes"])
    if source in _FAMILY_CLASSES:
        return _FAMILY_CLASSES[source]
    return 10 if source in ("mnist", "uci-digits") else None


def check_torchvision(dataset: str, split: str, where: str) -> None:
    """Raise InputError unless torchvision has this `split` of `dataset` and this source opens it.

    `where` is the text before the key, such as `datasets.NAME.`.
    """
    if dataset in _ELSEWHERE:
        raise InputError(f"{where}dataset: found `{dataset}`, but {_ELSEWHERE[dataset]}")
    known(f"{where}dataset", dataset, TORCHVISION, "data set of torchvision")
    if split not in TORCHVISION[dataset]:
        raise InputError(
            f"{where}split: found {split!r}, expected one of {', '.join(TORCHVISION[dataset])}, "
            f"the splits of {dataset}; correct it"
        )


def _images(spec: dict[str, Any]) -> int | None:
    """Images of a single copy; None if unknown."""
    source, split = spec["source"], spec.get("split", "test")
    if source == "scenes-winoground":
        return 3 * spec["per_tag"]
    if source == "scenes":
        return SCENES["captions" if spec["task"] == "captions" else split]
    if source == "torchvision":
        return TORCHVISION.get(spec["dataset"], {}).get(split)
    if source == "huggingface":
        return HUB.get(spec["dataset"], {}).get(split)
    if source == "winoground":
        return WINOGROUND.get(spec.get("dataset"))
    if source == "mnist":
        return MNIST[split]
    return UCI_DIGITS if source == "uci-digits" else None
