"""Data sets that torchvision reads and downloads."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from diffusion_classifier.messages import InputError, known

from .folder import Folder
from .image_source import ArrayImages
from .source import PATH, TEXT, Source, Spec

if TYPE_CHECKING:
    from filelock import FileLock
    from torchvision.datasets import VisionDataset


@dataclass
class _Layout:
    """A data set's folder below `root`, its web page, and attributes of torchvision's object."""

    folder: str
    page: str
    images: str | None = None  # folder of the image files
    files: str | None = None  # torchvision's attribute with the paths of the images
    labels: str = "_labels"  # torchvision's attribute with the labels


_SETS = {
    "Food101": _Layout(
        "food-101", "data.vision.ee.ethz.ch/cvl/datasets_extra/food-101", "images", "_image_files"
    ),
    "FGVCAircraft": _Layout(
        "fgvc-aircraft-2013b",
        "robots.ox.ac.uk/~vgg/data/fgvc-aircraft",
        "data/images",
        "_image_files",
    ),
    "OxfordIIITPet": _Layout(
        "oxford-iiit-pet", "robots.ox.ac.uk/~vgg/data/pets", "images", "_images"
    ),
    "Flowers102": _Layout(
        "flowers-102", "robots.ox.ac.uk/~vgg/data/flowers/102", "jpg", "_image_files"
    ),
    "STL10": _Layout("stl10_binary", "cs.stanford.edu/~acoates/stl10", labels="labels"),
}

# images per split and classes of torchvision's data sets, from their authors
SIZES: dict[str, dict[str, int]] = {
    "Food101": {"train": 75750, "test": 25250},
    "FGVCAircraft": {"train": 3334, "val": 3333, "trainval": 6667, "test": 3333},
    "OxfordIIITPet": {"trainval": 3680, "test": 3669},
    "Flowers102": {"train": 1020, "val": 1020, "test": 6149},
    "STL10": {"train": 5000, "test": 8000},
}
_CLASSES = {
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

# if more than this share of the image files is missing, an archive was not fully unpacked
_MISSING = 0.01


class ImageFiles(Folder):
    """The image files of the data set and split `name`."""

    def __init__(
        self, name: str, root: Path, files: list[Path], labels: np.ndarray, names: list[str]
    ) -> None:
        relative = [file.relative_to(root).as_posix() for file in files]
        super().__init__(root, relative, labels.tolist(), names, left_out={})
        self.name = name

    def source(self, index: int) -> str:
        """For example `Food101/test/waffles/1.jpg`, without the folder of the data set."""
        return f"{self.name}/{self.files[index]}"

    def name_in_messages(self, index: int) -> str:
        return self.source(index)


def torchvision_set(
    dataset: str, root: str, split: str = "test", download: bool = False
) -> ImageFiles | ArrayImages:
    """One of torchvision's data sets, with its classes and labels, in its layout below `root`.

    `dataset` is a key of SIZES, `split` one of its splits; aircraft are labelled by their variant,
    pets by their breed. With `download`, missing files are fetched. Raises InputError for an
    unknown data set or split, for missing or incomplete files, and if the download fails.
    """
    check_torchvision(dataset, split, "source torchvision, ")
    opened = _open(dataset, root, split, download)
    layout = _SETS[dataset]
    name, names = f"{dataset}/{split}", list(getattr(opened, "classes", ()))
    labels = np.asarray(getattr(opened, layout.labels), dtype=np.int64)
    # names of pets come from the images that are present, other names from lists
    if not len(labels) or labels.min() < 0 or labels.max() >= len(names):
        raise _incomplete(dataset, root, f"labels for {len(names)} named classes that do not fit")
    if layout.files is None:  # STL10, one array (image, channel, height, width)
        origins = [f"{name}/{index}" for index in range(len(labels))]
        return ArrayImages(opened.data.transpose(0, 2, 3, 1), labels, origins, names)
    folder = Path(opened.root) / layout.folder / layout.images
    files = [Path(file) for file in getattr(opened, layout.files)]
    missing = [file for file in files if not file.is_file()]
    if len(missing) > _MISSING * len(files):
        raise _incomplete(
            dataset,
            root,
            f"no file for {len(missing)} of its {len(files)} images, such as {missing[0].name}",
        )
    return ImageFiles(name, folder, files, labels, names)


def _open(dataset: str, root: str, split: str, download: bool) -> VisionDataset:
    """torchvision's object; raises InputError if files are missing or cannot be downloaded."""
    from torchvision import datasets

    options: dict[str, Any] = {"split": split, "download": download}
    if dataset == "FGVCAircraft":
        options["annotation_level"] = "variant"
    if dataset == "OxfordIIITPet":
        options["target_types"] = "category"
    try:
        with _download_lock(dataset, root) if download else nullcontext():
            return getattr(datasets, dataset)(root, **options)
    # torchvision and the network raise errors of any kind for missing or changed files
    except Exception as error:
        reason = " ".join(str(getattr(error, "reason", None) or _plain(error)).split())
        if download:
            raise InputError(
                f"{dataset} in {root}: cannot be downloaded or read ({reason}), expected the data "
                f"set of {_SETS[dataset].page}; if only a part is there, remove "
                f"{_SETS[dataset].folder} and try again, or download and unpack it by hand"
            ) from None
        raise _incomplete(dataset, root, f"no complete copy ({reason})") from None


def _download_lock(dataset: str, root: str) -> FileLock:
    """A lock: jobs for several splits would otherwise unpack the archive at the same time."""
    from filelock import FileLock

    folder = Path(root).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f".{_SETS[dataset].folder}.lock")


def _plain(error: Exception) -> str:
    """The message of `error`; for an operating system's error without the path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _incomplete(dataset: str, root: str, found: str) -> InputError:
    layout = _SETS[dataset]
    return InputError(
        f"{dataset} in {root}: found {found}, expected the folder {layout.folder} of the unpacked "
        f"archives of {layout.page}; remove the folder if it is there and set `download: true`, or "
        "unpack the archives in `root`"
    )


def check_torchvision(dataset: str, split: str, where: str) -> None:
    """Raise InputError unless torchvision has this `split` of `dataset` and this source opens it.

    `where` is the text before the key, such as `datasets.NAME.`.
    """
    if dataset in _ELSEWHERE:
        raise InputError(f"{where}dataset: found `{dataset}`, but {_ELSEWHERE[dataset]}")
    known(f"{where}dataset", dataset, SIZES, "data set of torchvision")
    if split not in SIZES[dataset]:
        raise InputError(
            f"{where}split: found {split!r}, expected one of {', '.join(SIZES[dataset])}, "
            f"the splits of {dataset}; correct it"
        )


def _check(key: str, spec: Spec) -> None:
    check_torchvision(spec["dataset"], spec.get("split", "test"), f"{key}.")


TORCHVISION = Source(
    torchvision_set,
    keys={"dataset": TEXT, "root": PATH, "split": TEXT, "download": {"type": "boolean"}},
    required=("dataset", "root"),
    size=lambda spec: SIZES.get(spec["dataset"], {}).get(spec.get("split", "test")),
    classes=lambda spec: _CLASSES.get(spec["dataset"]),
    check=_check,
    files=True,
)
