"""torchvision's data sets as unpacked files, with a few images of each."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from diffusion_classifier.data.class_lists import class_list
from diffusion_classifier.data.sources.opening import open_source
from diffusion_classifier.messages import InputError

torchvision = pytest.importorskip("torchvision").datasets
NAMES = ("Food101", "FGVCAircraft", "OxfordIIITPet", "Flowers102", "STL10")


def jpeg(path, grey, kind="JPEG", mode="RGB", **options):
    """A file of one colour; returns its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (12, 8), (grey,) * len(mode)).save(path, kind, **options)
    return path.read_bytes()


# Each `make` writes the tree of a data set below root/FOLDER; the second value is what a list of
# its images and labels has to be: (source, label, class name, grey value), in torchvision's order.


def food(root):
    base = root / "food-101"
    meta = {"waffles": ["waffles/100", "waffles/11"], "apple_pie": ["apple_pie/7"]}
    for split in ("train", "test"):
        path = base / "meta" / f"{split}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(meta if split == "test" else {"apple_pie": ["apple_pie/8"]}))
    for grey, name in enumerate(("waffles/100", "waffles/11", "apple_pie/7", "apple_pie/8")):
        jpeg(base / "images" / f"{name}.jpg", 10 * grey)
    return [
        ("Food101/test/waffles/100.jpg", 1, "waffles", 0),
        ("Food101/test/waffles/11.jpg", 1, "waffles", 10),
        ("Food101/test/apple_pie/7.jpg", 0, "apple_pie", 20),
    ]


def aircraft(root):
    data = root / "fgvc-aircraft-2013b" / "data"
    for grey, name in enumerate(("1514522", "0747566", "2041180")):
        jpeg(data / "images" / f"{name}.jpg", 10 * grey)
    (data / "variants.txt").write_text("707-320\nBAE 146-200\nF-16A/B\n")
    (data / "images_variant_test.txt").write_text(
        "1514522 F-16A/B\n0747566 707-320\n2041180 BAE 146-200\n"
    )
    (data / "images_variant_val.txt").write_text("2041180 707-320\n")
    return [
        ("FGVCAircraft/test/1514522.jpg", 2, "F-16A/B", 0),
        ("FGVCAircraft/test/0747566.jpg", 0, "707-320", 10),
        ("FGVCAircraft/test/2041180.jpg", 1, "BAE 146-200", 20),
    ]


def pets(root):
    base = root / "oxford-iiit-pet"
    lines = ["Abyssinian_201 1 1 1", "american_bulldog_203 2 2 1", "Abyssinian_202 1 1 1"]
    for grey, line in enumerate(lines):
        jpeg(base / "images" / f"{line.split()[0]}.jpg", 10 * grey)
    (base / "annotations").mkdir()
    (base / "annotations" / "test.txt").write_text("\n".join(lines) + "\n")
    (base / "annotations" / "trainval.txt").write_text(lines[1] + "\n")  # a part without class 1
    return [
        ("OxfordIIITPet/test/Abyssinian_201.jpg", 0, "Abyssinian", 0),
        ("OxfordIIITPet/test/american_bulldog_203.jpg", 1, "American Bulldog", 10),
        ("OxfordIIITPet/test/Abyssinian_202.jpg", 0, "Abyssinian", 20),
    ]


def flowers(root):
    from scipy.io import savemat

    base = root / "flowers-102"
    for number in range(1, 5):
        jpeg(base / "jpg" / f"image_{number:05}.jpg", 10 * number)
    savemat(base / "imagelabels.mat", {"labels": np.array([[77, 1, 102, 2]], np.uint8)})
    ids = {"trnid": [[2, 4]], "valid": [[1, 3]], "tstid": [[4, 1, 3]]}
    savemat(base / "setid.mat", {k: np.array(v, np.uint16) for k, v in ids.items()})
    return [
        ("Flowers102/test/image_00004.jpg", 1, "hard-leaved pocket orchid", 40),
        ("Flowers102/test/image_00001.jpg", 76, "passion flower", 10),
        ("Flowers102/test/image_00003.jpg", 101, "blackberry lily", 30),
    ]


def stl10(root):
    base = root / "stl10_binary"
    base.mkdir()
    # images lie channel by channel, each column by column; labels count from 1
    for split, count in (("test", 3), ("train", 2), ("unlabeled", 1)):
        pixels = np.zeros((count, 3, 96, 96), np.uint8)
        pixels += np.arange(count, dtype=np.uint8)[:, None, None, None] * 10
        pixels[:, 1, 95, 0] = 255  # green, last column, first row
        pixels.tofile(base / f"{split}_X.bin")
        if split != "unlabeled":
            (np.arange(count)[::-1] + 1).astype(np.uint8).tofile(base / f"{split}_y.bin")
    (base / "class_names.txt").write_text("\n".join(class_list("stl10")["classname"]) + "\n")
    return [
        ("STL10/test/0", 2, "car", 0),
        ("STL10/test/1", 1, "bird", 10),
        ("STL10/test/2", 0, "airplane", 20),
    ]


MAKE = dict(zip(NAMES, (food, aircraft, pets, flowers, stl10), strict=True))


def make_trees(tmp_path, monkeypatch):
    """The folder with a tree of every data set, and what is in them.

    torchvision's checks of integrity stay on, with the checksums of these small files.
    """
    expected = {name: make(tmp_path) for name, make in MAKE.items()}

    def md5(*parts):
        return hashlib.md5(tmp_path.joinpath(*parts).read_bytes()).hexdigest()

    flower_files = torchvision.Flowers102._file_dict
    monkeypatch.setattr(
        torchvision.Flowers102,
        "_file_dict",
        {key: (name, md5("flowers-102", name)) for key, (name, _) in flower_files.items()
         if key != "image"},
    )  # fmt: skip
    for attribute in ("train_list", "test_list"):
        names = [name for name, _ in getattr(torchvision.STL10, attribute)]
        sums = [[name, md5("stl10_binary", name)] for name in names]
        monkeypatch.setattr(torchvision.STL10, attribute, sums)
    return tmp_path, expected


def spec(name, root, **more):
    return {"source": "torchvision", "dataset": name, "root": str(root), "split": "test", **more}


def error_of(entry, call=open_source):
    with pytest.raises(InputError) as error:
        call(entry)
    assert "\n" not in str(error.value)
    return str(error.value)
