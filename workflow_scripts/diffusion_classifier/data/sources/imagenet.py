"""ImageNet and the test sets of its classes, in the folders that their archives unpack to.

A label is the class index of the list `imagenet`, whichever folders are there: a part of a data
set has the labels of the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath

from PIL import Image

from diffusion_classifier.messages import InputError

from ..class_lists import class_count, class_rows
from ..image_formats import EXTENSIONS
from .folder import Folder, folder
from .source import PATH, TEXT, Source, Spec

_BORDER = 2  # pixels; ObjectNet's images are framed in red, lest they are trained on unnoticed

_LAYOUT = {
    "imagenet": "a folder for each class, called by its WordNet id, n01440764 to n15075141",
    "imagenet-v2": "a folder for each class, 0 to 999",
    "imagenet-a": "a folder for each of 200 classes, n01498041 to n12267677",
    "objectnet": "objectnet-1.0 or its `images`, with folders such as alarm_clock",
}
_GET = {
    "imagenet": (
        "get ILSVRC2012_img_val.tar and ILSVRC2012_devkit_t12.tar.gz from image-net.org and let "
        "`torchvision.datasets.ImageNet(FOLDER, split='val')` sort them into FOLDER/val"
    ),
    "imagenet-v2": (
        "get imagenetv2-matched-frequency.tar.gz of the data set vaishaal/ImageNetV2 from "
        "the Hugging Face Hub and unpack it"
    ),
    "imagenet-a": (
        "get imagenet-a.tar, to which github.com/hendrycks/natural-adv-examples leads, and unpack "
        "it"
    ),
    "objectnet": "get objectnet-1.0.zip from objectnet.dev and unpack it",
}


class ObjectNet(Folder):
    """A Folder of ObjectNet's images without the red border that they are stored with."""

    def image(self, index: int) -> Image.Image:
        """Mode L or RGB, 4 pixels narrower and lower than the file; raises as Folder does."""
        image = super().image(index)
        return image.crop((_BORDER, _BORDER, image.width - _BORDER, image.height - _BORDER))

    def encoded(self, index: int) -> None:
        """None: no file has the bytes of an image without its border."""


def imagenet(path: str, classes: str | None = None) -> Folder:
    """ImageNet's images (Russakovsky et al. 2015), labels 0 to 999.

    `path` holds one folder per WordNet id, itself or in `val`. `classes` is a class list whose
    `condition` is an index of ImageNet: only images of those are taken, with its labels. Raises
    InputError if there is no such folder, for images that lie in no folder of a class, for a
    folder that is no class of ImageNet, and as `folder` does for an empty one.
    """
    found = _read("imagenet", _inner(path, "val"), "imagenet", "wnid")
    if classes is None:
        return found
    rows = class_rows(classes)
    label_of = {int(row["condition"]): int(row["classidx"]) for row in rows}
    taken = [
        (label_of[label], file)
        for label, file in zip(found.labels, found.files, strict=True)
        if label in label_of
    ]
    taken.sort(key=lambda image: image[0])
    names = list({row["classidx"]: row["classname"] for row in rows}.values())
    files, labels = [file for _, file in taken], [label for label, _ in taken]
    kept = {file.partition("/")[0] for file in files}
    left_out = {
        file: why
        for file, why in found.left_out.items()
        if file.partition("/")[0] in kept or _is_loose_image(file)
    }
    return Folder(found.root, files, labels, names, left_out)


def imagenet_v2(path: str) -> Folder:
    """ImageNet-V2 (Recht et al. 2019): folders "0" to "999" are called as their label.

    Raises InputError as `imagenet` does.
    """
    return _read("imagenet-v2", Path(path), "imagenet", "classidx")


def imagenet_a(path: str) -> Folder:
    """ImageNet-A (Hendrycks et al. 2021), labels 0 to 199 in the order of the WordNet ids.

    README.txt beside the folders is not counted as left out. Raises InputError as `imagenet` does.
    """
    return _read("imagenet-a", Path(path), "imagenet-a", "wnid")


def objectnet(path: str) -> ObjectNet:
    """ObjectNet (Barbu et al. 2019), the 113 classes that ImageNet has too, labels 0 to 112.

    `path` is objectnet-1.0 or its `images`. The other 200 classes are passed over. Raises
    InputError as `imagenet` does, but a folder of another class only if there is no other.
    """
    found = _read("objectnet", _inner(path, "images"), "objectnet", "classname", others=True)
    return ObjectNet(found.root, found.files, found.labels, found.class_names, found.left_out)


def _inner(path: str, name: str) -> Path:
    """The folder `name` in `path` if there is one, otherwise `path` itself."""
    inner = Path(path) / name
    return inner if inner.is_dir() else Path(path)


def _read(source: str, root: Path, listed: str, column: str, others: bool = False) -> Folder:
    """The images below `root`, ordered by their label, which the class list `listed` gives.

    A folder is named by `column` of its class; one that is not is passed over with `others`.
    """
    _check_folders(source, root)
    rows = class_rows(listed)
    label_of = {row[column]: int(row["classidx"]) for row in rows}
    found = folder(str(root))
    unknown = [name for name in found.class_names if name not in label_of]
    if unknown and (not others or len(unknown) == len(found.class_names)):
        raise InputError(
            f"{root}: found the folder {unknown[0]}, which is no class of {source}, expected "
            f"{_LAYOUT[source]}; correct the path, or remove the folder"
        )
    taken = [
        (label_of[found.class_names[position]], file)
        for file, position in zip(found.files, found.labels, strict=True)
        if found.class_names[position] in label_of
    ]
    taken.sort(key=lambda image: image[0])  # stable: within a class the natural order stays
    labels, files = [label for label, _ in taken], [file for _, file in taken]
    left_out = {
        file: why
        for file, why in found.left_out.items()
        # beside the folders archives have texts and scripts
        if file.partition("/")[0] in label_of or _is_loose_image(file)
    }
    return Folder(root, files, labels, [row["classname"] for row in rows], left_out)


def _is_loose_image(file: str) -> bool:
    return "/" not in file and file.lower().endswith(EXTENSIONS)


def _check_folders(source: str, root: Path) -> None:
    """Raise InputError, saying how to get the data, if `root` has no folders to read."""
    where, remedy = f"{root}: found", f"expected {_LAYOUT[source]}; {_GET[source]}"
    if not root.is_dir():
        raise InputError(f"{where} no such folder, {remedy}, or correct the path")
    entries = [entry for entry in root.iterdir() if entry.name[0] != "."]
    if any(entry.is_dir() for entry in entries):
        return
    images = sum(entry.suffix.lower() in EXTENSIONS for entry in entries)
    if not images:
        raise InputError(f"{where} no class, {remedy}, or correct the path")
    raise InputError(f"{where} images ({images}) in no folder of a class, {remedy}")


def _whole(images: int) -> Callable[[Spec], int]:
    """A Source's `whole` of a data set that has so many images."""
    return lambda spec: images


def _counted(classes: str) -> Callable[[Spec], int]:
    """A Source's `classes` of a data set whose class list has this name."""
    return lambda spec: class_count(classes)


def _imagenet_whole(spec: Spec) -> int | None:
    """Of chosen classes it is not known; a folder `train` holds the training images."""
    if "classes" in spec:
        return None
    return 1_281_167 if PurePath(spec["path"]).name == "train" else 50_000


def _imagenet_classes(spec: Spec) -> int:
    return class_count(spec.get("classes", "imagenet"))


def _source(opens: Callable[..., Folder], images: int, classes: str) -> Source:
    keys, whole, counted = {"path": PATH}, _whole(images), _counted(classes)
    return Source(opens, keys, ("path",), whole=whole, classes=counted, files=True)


IMAGENET = Source(
    imagenet,
    keys={"path": PATH, "classes": TEXT},
    required=("path",),
    whole=_imagenet_whole,
    classes=_imagenet_classes,
    files=True,
)
IMAGENET_V2 = _source(imagenet_v2, 10_000, "imagenet")
IMAGENET_A = _source(imagenet_a, 7_500, "imagenet-a")
# of its 50,000 images, those of classes that ImageNet has too
OBJECTNET = _source(objectnet, 18_574, "objectnet")
