"""torchvision's data sets in unpacked files, compared with torchvision's results."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from torchvision_trees import NAMES, error_of, food, make_trees, spec

from diffusion_classifier.data.class_lists import class_list
from diffusion_classifier.data.sources.image_source import decode, labels
from diffusion_classifier.data.sources.opening import dataset, open_source
from diffusion_classifier.data.sources.sizes import class_count, size
from diffusion_classifier.data.sources.torchvision_sets import SIZES as TORCHVISION
from diffusion_classifier.messages import InputError

torchvision = pytest.importorskip("torchvision").datasets


@pytest.fixture
def trees(tmp_path, monkeypatch):
    return make_trees(tmp_path, monkeypatch)


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
    message = error_of(spec(name, tmp_path / "gone"))
    for words in (f"{name} in ", "gone", "download: true", PAGES[name]):
        assert words in message
    split = error_of(spec(name, tmp_path, split="testing"))
    splits = ", ".join(TORCHVISION[name])
    assert f"split: found 'testing', expected one of {splits}, the splits of {name}" in split


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
    message = error_of(spec(name, trees[0]))
    assert "corrupted" in message and "remove the folder" in message


def test_half_unpacked_archives_are_noticed(trees):
    root, _ = trees
    (root / "food-101/images/waffles/11.jpg").unlink()
    assert "no file for 1 of its 3 images, such as 11.jpg" in error_of(spec("Food101", root))
    shutil.rmtree(root / "food-101/meta")
    assert "no complete copy" in error_of(spec("Food101", root))
    # torchvision names only the classes of present images, which do not fit the labels
    assert "labels for 1 named classes" in error_of(spec("OxfordIIITPet", root, split="trainval"))


def test_a_failed_download_is_said(tmp_path, monkeypatch):
    from urllib.error import URLError

    def fail(*_, **__):
        raise URLError("Name or service not known")

    monkeypatch.setattr(torchvision.food101, "download_and_extract_archive", fail)
    message = error_of(spec("Food101", tmp_path, download=True))
    assert "cannot be downloaded or read (Name or service not known)" in message
    assert "food-101 and try again" in message


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
