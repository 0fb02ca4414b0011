"""Archives in CLIP_benchmark's form that are damaged, or are not what they should be."""

from pathlib import Path

import numpy as np
import pytest
from hub_cache import error_of
from webdataset_trees import write_archive, write_scenes

from diffusion_classifier.data.image_files.left_out import LeftOut
from diffusion_classifier.data.sources.opening import dataset, open_source, pieces
from diffusion_classifier.data.sources.registry import input_files
from diffusion_classifier.data.webdataset.tar_files import samples
from diffusion_classifier.messages import InputError

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def tree(tmp_path):
    return write_scenes(tmp_path / "wds")


def members(tree):
    """One archive instead of the tree's two, and its members to change."""
    root = Path(tree["root"])
    (root / "test" / "1.tar").unlink()
    (root / "test" / "nshards.txt").write_text("1")
    path = root / "test" / "0.tar"
    contents = {}
    for key, sample in samples(path, "").items():
        contents |= {f"{key}.{ending}": member.read(path) for ending, member in sample.items()}
    return path, contents


def left_out(spec):
    record = LeftOut()
    found = list(pieces(spec, record))
    return sum(map(len, found)), record


def test_labels_that_are_none_are_left_out_and_counted(tree):
    path, contents = members(tree)
    contents["s0000001.cls"] = b"6"
    contents["s0000002.cls"] = b"cat"
    contents["s0000003.cls"] = b"-1"
    del contents["s0000004.cls"], contents["s0000005.png"]
    contents["s0000006.jpg"] = contents["s0000006.png"]
    write_archive(path, contents)
    count, record = left_out(tree)
    assert (count, record.looked_at, record.there) == (9, 16, 16)
    assert record.reasons == {
        "its label 6 in s0000001.cls is not one of 0 to 5, the classes in classnames.txt": [
            "test/0.tar/s0000001.png"
        ],
        "its label 'cat' in s0000002.cls is not a class index": ["test/0.tar/s0000002.png"],
        "its label '-1' in s0000003.cls is not a class index": ["test/0.tar/s0000003.png"],
        "an image without a label, .cls": ["test/0.tar/s0000004.png"],
        "0 images in one sample, expected 1": ["test/0.tar/s0000005.cls"],
        "2 images in one sample, expected 1": [
            "test/0.tar/s0000006.png",
            "test/0.tar/s0000006.jpg",
        ],
    }
    message = error_of(tree | {"strict": True}, dataset)
    assert message.startswith(f"webdataset {tree['root']!r}: found 7 of 16 samples")
    assert "test/0.tar/s0000001.png (its label 6 in s0000001.cls" in message


def test_no_sample_with_a_label(tree):
    path, contents = members(tree)
    write_archive(path, {name: data for name, data in contents.items() if ".png" in name})
    message = error_of(tree)
    assert "found no image with a label, test/0.tar/s0000000.png (an image without a" in message


def test_the_number_of_archives(tree):
    split = Path(tree["root"]) / "test"
    for number, wrong in (("3", "no 2.tar"), ("1", "also 1.tar")):
        (split / "nshards.txt").write_text(number)
        message = error_of(tree)
        assert f"{split}/nshards.txt: found the number {number}, but {wrong}" in message
        assert message == error_of(tree, input_files)
    for number in ("two", "0", ""):
        (split / "nshards.txt").write_text(number)
        assert f"found {number!r}, expected a number from 1 on" in error_of(tree)


@pytest.mark.parametrize("keep", [0.5, "in padding", "at a member", "header"])
def test_a_truncated_archive(tree, keep):
    path, _ = members(tree)
    data, found = path.read_bytes(), list(samples(path, "").values())
    image, label = found[4]["png"], found[4]["cls"]
    ends = {
        0.5: image.offset + image.size // 2,
        "in padding": image.offset + image.size + 1,
        "at a member": label.offset - 512,
        "header": label.offset - 200,
    }
    path.write_bytes(data[: ends[keep]])
    message = error_of(tree)
    assert message.startswith(f"{path}: cannot be read as a whole TAR archive after the member ")
    assert image.name in message and "truncated" in message


def test_what_is_no_archive(tree):
    path, contents = members(tree)
    path.write_bytes(b"<html>not found</html>" * 100)
    assert f"{path}: cannot be read as a whole TAR archive (" in error_of(tree)
    write_archive(path, contents)
    damaged = bytearray(path.read_bytes())
    third = [*samples(path, "").values()][3]["png"]
    damaged[third.offset - 512 : third.offset] = bytes(np.full(512, 7, dtype=np.uint8))
    path.write_bytes(damaged)
    assert "after the member s0000002.cls (no mark of its end" in error_of(tree)


def test_a_member_twice(tree):
    import tarfile

    path, contents = members(tree)
    with tarfile.open(path, "a") as archive:
        archive.addfile(tarfile.TarInfo("s0000000.png"))
    assert f"{path}: found the member s0000000.png twice" in error_of(tree)
    assert contents


def test_an_archive_that_becomes_shorter(tree):
    path, _ = members(tree)
    images = open_source(tree)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"test/0.tar/s0000014.png: found 0 bytes, expected"):
        images.image(14)


def test_sets_that_are_not_for_classification(tree):
    (Path(tree["root"]) / "dataset_type.txt").write_text("retrieval\n")
    assert "dataset_type.txt: found 'retrieval', expected a data set for classif" in error_of(tree)
