"""torchvision's data sets in the files their archives unpack to, against torchvision's own."""

import hashlib
import io
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffusion_classifier import files
from diffusion_classifier.class_lists import class_list
from diffusion_classifier.datasets import dataset, decode, labels, open_source, pieces
from diffusion_classifier.datasets.sizes import TORCHVISION, class_count, size
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


@pytest.fixture
def trees(tmp_path, monkeypatch):
    """The folder with a tree of every data set, and what is in them.

    torchvision's own checks of integrity stay on; they are told the sums of these small files.
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


@pytest.mark.parametrize("name", NAMES)
def test_images_labels_and_names_are_torchvisions(trees, name):
    root, expected = trees
    ours, theirs = open_source(spec(name, root)), getattr(torchvision, name)(root, split="test")
    assert ours.class_names == theirs.classes
    assert labels(ours).tolist() == [label for _, label in theirs]
    for index, (source, label, classname, grey) in enumerate(expected[name]):
        assert ours.source(index) == source
        assert ours.class_names[ours.label(index)] == classname
        assert ours.label(index) == label
        assert abs(int(np.asarray(ours.image(index))[0, 0, 0]) - grey) <= 1
        np.testing.assert_array_equal(ours.image(index), theirs[index][0])
    assert len(ours) == len(theirs) == len(expected[name])


@pytest.mark.parametrize("name", NAMES)
def test_the_data_set_keeps_the_files_as_they_are(trees, name):
    root, expected = trees
    frame = dataset(spec(name, root))
    theirs = getattr(torchvision, name)(root, split="test")
    paths = getattr(theirs, "_image_files", None) or getattr(theirs, "_images", [])
    assert frame["classname"].tolist() == [row[2] for row in expected[name]]
    for row in frame.itertuples():
        np.testing.assert_array_equal(decode(row.bytes), theirs[row.image][0])
        if name == "STL10":
            assert row.bytes.startswith(b"\x89PNG")
        else:
            assert row.bytes == Path(paths[row.image]).read_bytes()


def test_stl10s_rows_and_columns_are_not_exchanged(trees):
    pixels = np.asarray(open_source(spec("STL10", trees[0])).image(0))
    assert np.argwhere(pixels == 255).tolist() == [[0, 95, 1]]  # row, column, channel


def test_splits_and_home(trees, monkeypatch):
    root, _ = trees
    monkeypatch.setenv("HOME", str(root.parent))
    train = open_source(spec("Food101", f"~/{root.name}", split="train"))
    assert train.source(0) == "Food101/train/apple_pie/8.jpg"
    assert open_source(spec("STL10", root, split="train")).source(1) == "STL10/train/1"
    assert labels(open_source(spec("Flowers102", root, split="val"))).tolist() == [76, 101]
    assert len(open_source(spec("FGVCAircraft", root, split="val"))) == 1


def test_shipped_class_lists_have_the_classes_of_the_data_sets():
    lists = {"Food101": "food101", "FGVCAircraft": "aircraft", "OxfordIIITPet": "pets",
             "Flowers102": "flowers102", "STL10": "stl10"}  # fmt: skip
    for name, listed in lists.items():
        assert class_count(spec(name, "data")) == len(class_list(listed))


def test_sizes_are_the_published_ones():
    """Test images: Food-101 250 of each class; aircraft a third of 10,000; STL-10 800 of each."""
    assert size(spec("Food101", "data")) == 101 * 250
    assert size(spec("Food101", "data", split="train")) == 101 * 750
    assert sum(TORCHVISION["FGVCAircraft"][split] for split in ("trainval", "test")) == 10000
    assert sum(TORCHVISION["FGVCAircraft"][split] for split in ("train", "val")) == 6667
    assert sum(TORCHVISION["OxfordIIITPet"].values()) == 7349
    assert sum(TORCHVISION["Flowers102"].values()) == 8189
    assert size(spec("STL10", "data")) == 10 * 800
    assert size(spec("Food101", "data", copies=3, shift={"kind": "pose"})) == 3 * 25250
    assert size(spec("Nothing", "data")) is size(spec("STL10", "data", split="x")) is None


# --- mistakes

PAGES = dict(
    zip(
        NAMES,
        ("ethz.ch/cvl", "~vgg/data/fgvc", "~vgg/data/pets", "~vgg/data/flowers", "stanford.edu"),
        strict=True,
    )
)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_there_can_be_had(tmp_path, name):
    said = error_of(spec(name, tmp_path / "gone"))
    for words in (f"{name} in ", "gone", "download: true", PAGES[name]):
        assert words in said
    split = error_of(spec(name, tmp_path, split="testing"))
    splits = ", ".join(TORCHVISION[name])
    assert f"split: found 'testing', expected one of {splits}, which {name} has" in split


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("CIFAR10", r"pickles, which can run code.*huggingface.*uoft-cs/cifar10`"),
        ("CIFAR100", r"pickles.*uoft-cs/cifar100`"),
        ("ImageNet", r"unpickled.*`source: imagenet`"),
        ("MNIST", r"`source: mnist`"),
        ("food101", r"`food101`, expected one of `Food101`, `FGVCAir.* did you mean `Food101`\?"),
    ],
)
def test_data_sets_it_does_not_open_are_refused_with_a_reason(tmp_path, name, says):
    with pytest.raises(InputError, match=says):
        open_source(spec(name, tmp_path))


def test_unlabelled_images_are_no_split(trees):
    assert "'unlabeled', expected one of train, test" in error_of(
        spec("STL10", trees[0], split="unlabeled")
    )


@pytest.mark.parametrize(
    ("name", "file"),
    [("STL10", "stl10_binary/test_y.bin"), ("Flowers102", "flowers-102/setid.mat")],
)
def test_a_changed_file_is_noticed(trees, name, file):
    path = trees[0] / file
    path.write_bytes(path.read_bytes() + b"\0")
    said = error_of(spec(name, trees[0]))
    assert "corrupted" in said and "removing the folder" in said


def test_half_unpacked_archives_are_noticed(trees):
    root, _ = trees
    (root / "food-101/images/waffles/11.jpg").unlink()
    assert "no file for 1 of its 3 images, such as 11.jpg" in error_of(spec("Food101", root))
    shutil.rmtree(root / "food-101/meta")
    assert "no whole copy" in error_of(spec("Food101", root))
    # torchvision names the classes of the images that are there, which do not fit their labels
    assert "labels for 1 named classes" in error_of(spec("OxfordIIITPet", root, split="trainval"))


def test_a_failed_download_is_said(tmp_path, monkeypatch):
    from urllib.error import URLError

    def fail(*_, **__):
        raise URLError("Name or service not known")

    monkeypatch.setattr(torchvision.food101, "download_and_extract_archive", fail)
    said = error_of(spec("Food101", tmp_path, download=True))
    assert "cannot be downloaded or read (Name or service not known)" in said
    assert "food-101 and try again" in said


def test_what_is_there_is_not_downloaded(trees, monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a download")

    for module in ("food101", "fgvc_aircraft", "oxford_iiit_pet", "flowers102", "stl10"):
        monkeypatch.setattr(getattr(torchvision, module), "download_and_extract_archive", fail)
    for name in NAMES:
        assert len(open_source(spec(name, trees[0], download=True))) == 3


def test_two_jobs_do_not_download_at_one_time(tmp_path, monkeypatch):
    inside, most = [], []

    def download(*_, **__):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        food(tmp_path)
        inside.pop()

    monkeypatch.setattr(torchvision.food101, "download_and_extract_archive", download)
    entries = [spec("Food101", tmp_path, split=split, download=True) for split in ("train", "test")]
    with ThreadPoolExecutor(2) as jobs:
        assert [len(source) for source in jobs.map(open_source, entries)] == [1, 3]
    assert most == [1]


# --- images that cannot be read, and how images are stored


def test_a_damaged_image_is_said_and_left_out_unless_strict(trees, capsys):
    path = trees[0] / "food-101/images/waffles/11.jpg"
    path.write_bytes(path.read_bytes()[:200])
    frame = dataset(spec("Food101", trees[0]))
    assert frame["source"].tolist() == [
        "Food101/test/waffles/100.jpg",
        "Food101/test/apple_pie/7.jpg",
    ]
    assert frame["image"].tolist() == [0, 1]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("Food101/test/waffles/11.jpg: found a damaged")
    said = error_of(spec("Food101", trees[0], strict=True), dataset)
    assert said.startswith("Food101/test/waffles/11.jpg: found a damaged")
    said = error_of(spec("Food101", trees[0], indices=[1]), dataset)
    assert said.startswith("torchvision 'Food101': found no image that can be read among the 1")


def test_stored_files_are_decoded_as_the_source_shows_them(trees):
    """Pets has GIFs called .jpg, aircraft photographs have EXIF, others CMYK, palettes, 16 bits."""
    base = trees[0] / "oxford-iiit-pet/images"
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg(base / "Abyssinian_201.jpg", 77, exif=exif)
    jpeg(base / "american_bulldog_203.jpg", 77, mode="CMYK")
    Image.new("RGB", (5, 5), (9, 99, 199)).quantize(4).save(base / "Abyssinian_202.jpg", "GIF")
    source, frame = (
        open_source(spec("OxfordIIITPet", trees[0])),
        dataset(spec("OxfordIIITPet", trees[0])),
    )
    for row in frame.itertuples():
        np.testing.assert_array_equal(decode(row.bytes), source.image(row.image))
    assert [decode(data).size for data in frame["bytes"]] == [(8, 12), (12, 8), (5, 5)]
    deep = io.BytesIO()
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(deep, "PNG")
    assert np.asarray(decode(deep.getvalue())).tolist() == [[0, 255]]


def test_a_shift_is_stored_as_it_was_made(trees):
    entry = spec("Food101", trees[0], shift={"kind": "noise", "sigma": 0.1}, seed=3, copies=2)
    source, frame = open_source(entry), dataset(entry)
    assert len(frame) == 6
    for row in frame.itertuples():
        assert row.bytes.startswith(b"\x89PNG")
        np.testing.assert_array_equal(decode(row.bytes), source.image(row.image))


def test_a_mistake_in_a_shift_is_not_taken_for_damaged_images(trees):
    said = error_of(spec("Food101", trees[0], shift={"kind": "blur"}), dataset)
    assert "'blur', expected one of pose" in said


def test_each_image_is_decoded_once(trees, monkeypatch):
    from diffusion_classifier import images

    seen, read = [], images._read
    monkeypatch.setattr(images, "_read", lambda *a: seen.append(a[1]) or read(*a))
    dataset(spec("Food101", trees[0]))
    assert sorted(seen) == sorted({row[0] for row in trees[1]["Food101"]})


def test_pieces_make_the_same_file_as_the_whole(trees, monkeypatch, tmp_path):
    """Of a large data set only a piece is in memory; whoever reads the file does not see them."""
    from diffusion_classifier.datasets import base

    entry = spec("Food101", trees[0])
    whole = dataset(entry)
    monkeypatch.setattr(base, "PIECE", 1)
    assert [len(piece) for piece in pieces(entry)] == [1, 1, 1]
    files.write_parquet_pieces(pieces(entry), tmp_path / "pieces.parquet")
    files.write_parquet(whole, tmp_path / "whole.parquet")
    import pyarrow.parquet as pq

    assert pq.ParquetFile(tmp_path / "pieces.parquet").num_row_groups == 3
    found = files.read_parquet(tmp_path / "pieces.parquet")
    assert found.equals(files.read_parquet(tmp_path / "whole.parquet"))
    assert found.dtypes.equals(whole.dtypes)


def test_a_failure_half_way_leaves_no_file(trees, monkeypatch, tmp_path):
    from diffusion_classifier.datasets import base

    monkeypatch.setattr(base, "PIECE", 1)
    (trees[0] / "food-101/images/apple_pie/7.jpg").write_bytes(b"")
    target = tmp_path / "out" / "data.parquet"
    with pytest.raises(InputError, match=r"apple_pie/7\.jpg: found an empty file"):
        files.write_parquet_pieces(pieces(spec("Food101", trees[0], strict=True)), target)
    assert list(target.parent.iterdir()) == []
