"""The data sets that torchvision knows how to lay out, read and download."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from diffusion_classifier.messages import InputError, known

from ..images import load_image, read_file
from .source import PATH, TEXT, Source, Spec

if TYPE_CHECKING:
    from filelock import FileLock
    from torchvision.datasets import VisionDataset


@dataclass
class _Known:
    """A data set's folder below `root`, the page it is found on, and what it is opened with."""

    folder: str
    page: str
    images: str | None = None  # the folder that image files are named relative to
    files: str | None = None  # torchvision's own attribute with the images' paths
    labels: str = "_labels"


_SETS = {
    "Food101": _Known(
        "food-101", "data.vision.ee.ethz.ch/cvl/datasets_extra/food-101", "images", "_image_files"
    ),
    "FGVCAircraft": _Known(
        "fgvc-aircraft-2013b",
        "robots.ox.ac.uk/~vgg/data/fgvc-aircraft",
        "data/images",
        "_image_files",
    ),
    "OxfordIIITPet": _Known(
        "oxford-iiit-pet", "robots.ox.ac.uk/~vgg/data/pets", "images", "_images"
    ),
    "Flowers102": _Known(
        "flowers-102", "robots.ox.ac.uk/~vgg/data/flowers/102", "jpg", "_image_files"
    ),
    "STL10": _Known("stl10_binary", "cs.stanford.edu/~acoates/stl10", labels="labels"),
}

# images per split and classes of torchvision's data sets, as their authors give them
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

# share of the image files whose absence says that an archive was not unpacked to its end
_MISSING = 0.01


class ImageFiles:
    """An ImageSource of the image files of one of torchvision's data sets."""

    def __init__(
        self, name: str, root: Path, files: list[Path], labels: np.ndarray, names: list[str]
    ) -> None:
        self.name, self.root, self.files, self.labels = name, root, files, labels
        self.class_names = names

    def __len__(self) -> int:
        return len(self.files)

    def image(self, index: int) -> Image.Image:
        """Mode L or RGB; raises InputError naming the file as `load_image` does."""
        return load_image(self.encoded(index), self.source(index))

    def encoded(self, index: int) -> bytes | None:
        """The file itself; raises InputError naming it if it cannot be read."""
        return read_file(self.files[index], self.source(index))

    def label(self, index: int) -> int:
        return int(self.labels[index])

    def source(self, index: int) -> str:
        """As `Food101/test/waffles/1.jpg`, without the folder that the data set lies in."""
        return f"{self.name}/{self.files[index].relative_to(self.root).as_posix()}"


class Pixels:
    """An ImageSource of STL10's raw values, uint8 `(image, channel, height, width)`."""

    def __init__(self, name: str, pixels: np.ndarray, labels: np.ndarray, names: list[str]) -> None:
        self.name, self.pixels, self.labels, self.class_names = name, pixels, labels, names

    def __len__(self) -> int:
        return len(self.pixels)

    def image(self, index: int) -> Image.Image:
        """Mode RGB."""
        return Image.fromarray(np.ascontiguousarray(self.pixels[index].transpose(1, 2, 0)))

    def encoded(self, index: int) -> bytes | None:
        """None: the images have no files."""

    def label(self, index: int) -> int:
        return int(self.labels[index])

    def source(self, index: int) -> str:
        return f"{self.name}/{index}"


def torchvision_set(
    dataset: str, root: str, split: str = "test", download: bool = False
) -> ImageFiles | Pixels:
    """One of torchvision's data sets, with its classes and labels, in its layout below `root`.

    `dataset` is a key of SIZES, `split` one of its splits; aircraft are labelled
    by their variant, pets by their breed. `download` fetches what is not there. Raises InputError
    for a data set or split that there is not, for one that is not there or not whole, and if it
    cannot be downloaded.
    """
    check_torchvision(dataset, split, "source torchvision, ")
    opened = _open(dataset, root, split, download)
    layout = _SETS[dataset]
    name, names = f"{dataset}/{split}", list(getattr(opened, "classes", ()))
    labels = np.asarray(getattr(opened, layout.labels), dtype=np.int64)
    # the pets' names are those of the images that are there, the others' come from lists
    if not len(labels) or labels.min() < 0 or labels.max() >= len(names):
        raise _not_whole(dataset, root, f"labels for {len(names)} named classes that do not fit")
    if layout.files is None:
        return Pixels(name, opened.data, labels, names)
    folder = Path(opened.root) / layout.folder / layout.images
    files = [Path(file) for file in getattr(opened, layout.files)]
    missing = [file for file in files if not file.is_file()]
    if len(missing) > _MISSING * len(files):
        raise _not_whole(
            dataset,
            root,
            f"no file for {len(missing)} of its {len(files)} images, such as {missing[0].name}",
        )
    return ImageFiles(name, folder, files, labels, names)


def _open(dataset: str, root: str, split: str, download: bool) -> VisionDataset:
    """torchvision's own object; raises InputError if it is not there, not whole or not given."""
    from torchvision import datasets

    options: dict[str, Any] = {"split": split, "download": download}
    if dataset == "FGVCAircraft":
        options["annotation_level"] = "variant"
    if dataset == "OxfordIIITPet":
        options["target_types"] = "category"
    try:
        with _alone(dataset, root) if download else nullcontext():
            return getattr(datasets, dataset)(root, **options)
    # an absent or changed file leads torchvision and the network to errors of any kind
    except Exception as error:
        reason = " ".join(str(getattr(error, "reason", None) or _plain(error)).split())
        if download:
            raise InputError(
                f"{dataset} in {root}: cannot be downloaded or read ({reason}), expected the data "
                f"set of {_SETS[dataset].page}; if it is there in part, remove "
                f"{_SETS[dataset].folder} and try again, or download and unpack it by hand"
            ) from None
        raise _not_whole(dataset, root, f"no whole copy ({reason})") from None


def _alone(dataset: str, root: str) -> FileLock:
    """A lock, as jobs for several splits of a data set would unpack its archive at one time."""
    from filelock import FileLock

    folder = Path(root).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f".{_SETS[dataset].folder}.lock")


def _plain(error: Exception) -> str:
    """What `error` says, of an operating system's error without the path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _not_whole(dataset: str, root: str, found: str) -> InputError:
    layout = _SETS[dataset]
    return InputError(
        f"{dataset} in {root}: found {found}, expected the folder {layout.folder} as the archives "
        f"of {layout.page} unpack to; set `download: true`, after removing the folder if it is "
        "there, or unpack them in `root`"
    )


def check_torchvision(dataset: str, split: str, where: str) -> None:
    """Raise InputError unless torchvision has this `split` of `dataset` and we open it.

    `where` is what stands before the key, as `datasets.NAME.`.
    """
    if dataset in _ELSEWHERE:
        raise InputError(f"{where}dataset: found `{dataset}`, but {_ELSEWHERE[dataset]}")
    known(f"{where}dataset", dataset, SIZES, "data set of torchvision")
    if split not in SIZES[dataset]:
        raise InputError(
            f"{where}split: found {split!r}, expected one of {', '.join(SIZES[dataset])}, "
            f"which {dataset} has; correct it"
        )


def _size(spec: Spec) -> int | None:
    return SIZES.get(spec["dataset"], {}).get(spec.get("split", "test"))


def _class_count(spec: Spec) -> int | None:
    return _CLASSES.get(spec["dataset"])


def _check(key: str, spec: Spec) -> None:
    check_torchvision(spec["dataset"], spec.get("split", "test"), f"{key}.")


TORCHVISION = Source(
    torchvision_set,
    keys={"dataset": TEXT, "root": PATH, "split": TEXT, "download": {"type": "boolean"}},
    required=("dataset", "root"),
    size=_size,
    classes=_class_count,
    check=_check,
    files=True,
)
