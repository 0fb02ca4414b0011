"""ImageNet and the test sets of its classes, in the folders of their unpacked archives.

A label is the class index in the list `imagenet`, even if some folders are missing: a part of a
data set has the same labels as the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath

from PIL import Image

from diffusion_classifier.messages import InputError

from ..class_lists import class_count, class_rows
from ..image_files.image_formats import EXTENSIONS
from .folder import Folder, folder
from .source import PATH, TEXT, Source, Spec

_BORDER = 2  # pixels; a red border marks ObjectNet's images as test images

_LAYOUT = {
    "imagenet": "a folder for each class, named by its WordNet id, n01440764 to n15075141",
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
        "get imagenet-a.tar from the link at github.com/hendrycks/natural-adv-examples and unpack "
        "it"
    ),
    "objectnet": "get objectnet-1.0.zip from objectnet.dev and unpack it",
}


class ObjectNet(Folder):
    """A Folder of ObjectNet's images; removes the red border of the stored images."""

    def image(self, index: int) -> Image.Image:
        """Mode L or RGB, 4 pixels smaller than the file on each axis; raises as Folder does."""
        image = super().image(index)
        return image.crop((_BORDER, _BORDER, image.width - _BORDER, image.height - _BORDER))

    def encoded(self, index: int) -> None:
        """None, as no file contains the image without its border."""


def imagenet(path: str, classes: str | None = None) -> Folder:
    """ImageNet's images (Russakovsky et al. 2015), labels 0 to 999.

    `path`, or `val` in it, has one folder per WordNet id. `classes` is a class list whose
    `condition` is an ImageNet index: only images of its classes are taken, with its labels. Raises
    InputError if there is no such folder, for images outside of class folders, for a folder that is
    no class of ImageNet, and as `folder` does for an empty one.
    """
    return _read("imagenet", _inner(path, "val"), "imagenet", "wnid", classes=classes)


def imagenet_v2(path: str) -> Folder:
    """ImageNet-V2 (Recht et al. 2019): the name of a folder, "0" to "999", is its label.

    Raises InputError as `imagenet` does.
    """
    return _read("imagenet-v2", Path(path), "imagenet", "classidx")


def imagenet_a(path: str) -> Folder:
    """ImageNet-A (Hendrycks et al. 2021), labels 0 to 199 in the order of the WordNet ids.

    README.txt beside the folders does not count as left out. Raises InputError as `imagenet` does.
    """
    return _read("imagenet-a", Path(path), "imagenet-a", "wnid")


def objectnet(path: str) -> ObjectNet:
    """ObjectNet (Barbu et al. 2019): the 113 classes that ImageNet also has, labels 0 to 112.

    `path` is objectnet-1.0 or its `images`. The other 200 classes are ignored. Raises InputError as
    `imagenet` does, but for folders of other classes only if there is no folder of the 113.
    """
    found = _read("objectnet", _inner(path, "images"), "objectnet", "classname", others=True)
    return ObjectNet(found.root, found.files, found.labels, found.class_names, found.left_out)


def _inner(path: str, name: str) -> Path:
    """The folder `name` in `path` if there is one, otherwise `path` itself."""
    inner = Path(path) / name
    return inner if inner.is_dir() else Path(path)


def _read(
    source: str,
    root: Path,
    listed: str,
    column: str,
    classes: str | None = None,
    others: bool = False,
) -> Folder:
    """The images below `root`, ordered by their label in the class list `listed`.

    `column` of the list has the names of the folders. `classes` is another list, whose `condition`
    is a label of the first: only its classes are taken, with its labels. With `others`, folders
    of other classes are ignored.
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
    if classes is not None:
        rows = class_rows(classes)
        index = {int(row["condition"]): int(row["classidx"]) for row in rows}
        label_of = {name: index[label] for name, label in label_of.items() if label in index}
    taken = [
        (label_of[found.class_names[position]], file)
        for file, position in zip(found.files, found.labels, strict=True)
        if found.class_names[position] in label_of
    ]
    taken.sort(key=lambda image: image[0])  # stable, so each class keeps its natural order
    labels, files = [label for label, _ in taken], [file for _, file in taken]
    left_out = {
        file: why
        for file, why in found.left_out.items()
        # the archives have texts and scripts beside the folders, which do not count
        if file.partition("/")[0] in label_of or _is_loose_image(file)
    }
    names = list({row["classidx"]: row["classname"] for row in rows}.values())
    return Folder(root, files, labels, names, left_out)


def _is_loose_image(file: str) -> bool:
    return "/" not in file and file.lower().endswith(EXTENSIONS)


def _check_folders(source: str, root: Path) -> None:
    """Raise InputError, which says how to get the data, if `root` has no class folders."""
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


def _imagenet_whole(spec: Spec) -> int | None:
    """Unknown for chosen classes; a folder `train` has the training images."""
    if "classes" in spec:
        return None
    return 1_281_167 if PurePath(spec["path"]).name == "train" else 50_000


def _source(opens: Callable[..., Folder], images: int, classes: str) -> Source:
    """A test set of this number of images, whose classes are those of a class list."""
    return Source(
        opens,
        keys={"path": PATH},
        required=("path",),
        whole=lambda spec: images,
        classes=lambda spec: class_count(classes),
        files=True,
    )


IMAGENET = Source(
    imagenet,
    keys={"path": PATH, "classes": TEXT},
    required=("path",),
    whole=_imagenet_whole,
    classes=lambda spec: class_count(spec.get("classes", "imagenet")),
    files=True,
)
IMAGENET_V2 = _source(imagenet_v2, 10_000, "imagenet")
IMAGENET_A = _source(imagenet_a, 7_500, "imagenet-a")
# the images of classes that ImageNet also has, of 50,000
OBJECTNET = _source(objectnet, 18_574, "objectnet")
