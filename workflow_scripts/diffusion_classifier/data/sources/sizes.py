"""What is known of a source without opening it: how many images and classes it has."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from diffusion_classifier.messages import InputError, known

from ..class_lists import class_count as listed_classes

MNIST = {"train": 4000, "test": 1000}
UCI_DIGITS = 1797
SCENES = {"captions": 30000, "train": 2000, "validation": 500, "test": 1000}
CLASSES = {"shapes": 6, "colours": 6, "sizes": 2, "colour-shape": 36, "captions": 1}

# images per split and classes of torchvision's data sets, as their authors give them
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

# what torchvision has too, but we do not open by it: why, and what to do
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

# the whole data sets, of which a user's folder may hold a part
IMAGENET_FAMILY = {
    "imagenet": 50000,
    "imagenet-v2": 10000,
    "imagenet-a": 7500,
    "objectnet": 18574,  # of its 50,000 images, those of classes that ImageNet has too
}
IMAGENET_TRAIN = 1281167
_FAMILY_CLASSES = {"imagenet": 1000, "imagenet-v2": 1000, "imagenet-a": 200, "objectnet": 113}


def size(spec: dict[str, Any]) -> int | None:
    """Number of images of a data set entry before its `limit` and `skip`, copies counted.

    With `indices`, how many these are. Of Winoground, the number of examples. None for what is
    known only once a file is read.
    """
    if "indices" in spec:
        return len(spec["indices"]) if isinstance(spec["indices"], list) else None
    images = _images(spec)
    return None if images is None else images * spec.get("copies", 1)


def expected_size(spec: dict[str, Any]) -> int | None:
    """As `size`, and for what lies in folders of the user's own the number of the whole data set.

    Good for an estimate of costs. None where nothing can be expected.
    """
    known = size(spec)
    if known is not None or "indices" in spec or spec.get("classes") is not None:
        return known
    images = IMAGENET_FAMILY.get(spec["source"])
    if spec["source"] == "imagenet" and PurePath(spec["path"]).name == "train":
        images = IMAGENET_TRAIN
    return None if images is None else images * spec.get("copies", 1)


def class_count(spec: dict[str, Any]) -> int | None:
    """Number of classes of a data set entry's source; None where it is not known or each image
    has its own.
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
    """Raise InputError unless torchvision has this `split` of `dataset` and we open it.

    `where` is what stands before the key, as `datasets.NAME.`.
    """
    if dataset in _ELSEWHERE:
        raise InputError(f"{where}dataset: found `{dataset}`, but {_ELSEWHERE[dataset]}")
    known(f"{where}dataset", dataset, TORCHVISION, "data set of torchvision")
    if split not in TORCHVISION[dataset]:
        raise InputError(
            f"{where}split: found {split!r}, expected one of {', '.join(TORCHVISION[dataset])}, "
            f"which {dataset} has; correct it"
        )


def _images(spec: dict[str, Any]) -> int | None:
    """Images of a single copy; None where it is not known."""
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
