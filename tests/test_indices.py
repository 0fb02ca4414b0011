"""Chosen images: by position, skipped, or by number."""

import json

import numpy as np
import pytest

from diffusion_classifier.data.choosing.indices import read_indices
from diffusion_classifier.data.choosing.shares import stratified
from diffusion_classifier.data.sources.image_source import labels
from diffusion_classifier.data.sources.opening import dataset, open_source
from diffusion_classifier.data.sources.sizes import expected_size, size
from diffusion_classifier.messages import InputError

SPEC = {"source": "mnist", "split": "test"}
CHOSEN = [900, 3, 17, 0]


def saved(folder, kind):
    path = folder / f"chosen{kind}"
    if kind == ".npy":
        np.save(path, np.array(CHOSEN, np.int32))
    elif kind == ".json":
        path.write_text(json.dumps(CHOSEN))
    else:
        path.write_text("\ufeff" + "\r\n".join(map(str, CHOSEN)) + "\r\n\r\n", newline="")
    return str(path)


@pytest.mark.parametrize("kind", [".json", ".csv", ".txt", ".npy"])
def test_positions_are_read_in_their_order(tmp_path, kind):
    found = read_indices(saved(tmp_path, kind), 1000)
    assert found.dtype == np.int64
    assert found.tolist() == CHOSEN


@pytest.mark.parametrize("shift", [{}, {"shift": {"kind": "pose"}, "copies": 2}])
def test_a_data_set_of_chosen_images(tmp_path, shift):
    source = open_source(SPEC | shift)
    for indices in (CHOSEN, saved(tmp_path, ".npy")):
        frame = dataset(SPEC | shift | {"indices": indices})
        assert frame["image"].tolist() == [0, 1, 2, 3]
        assert frame["source"].tolist() == [source.source(index) for index in CHOSEN]
        assert frame["label"].tolist() == [source.label(index) for index in CHOSEN]


@pytest.mark.parametrize(
    ("indices", "says"),
    [
        ([0, 1000], "found 1000, expected integers from 0 to 999"),
        ([-1], "found -1, expected integers"),
        ([5, 2, 5], "found 5 twice"),
        ([1.0], r"found 1\.0, expected integers"),
        ([True], "found True, expected integers"),
        (["3"], "found '3', expected integers"),
        ([], "found no list of positions"),
        ("gone.json", r"\(gone\.json\): cannot be read \(No such file"),
        ("chosen.pt", r"ends in '\.pt', expected a \.json"),
    ],
)
def test_mistakes_are_said(indices, says):
    with pytest.raises(InputError, match=says) as error:
        read_indices(indices, 1000)
    assert "`indices`" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{]"),
        ("a.json", b'{"a": 1}'),
        ("a.json", b"[[1, 2]]"),
        ("a.csv", b"index\n3\n"),
        ("a.csv", b"3,4\n"),
        ("a.txt", b"\xff\xfe3"),
        ("a.npy", b"no array"),
    ],
)
def test_files_of_anything_else_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"found|cannot be read"):
        read_indices(str(tmp_path / name), 1000)


def test_an_array_of_objects_is_not_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    np.save(tmp_path / "a.npy", np.array([Trap()], object), allow_pickle=True)
    with pytest.raises(InputError, match=r"cannot be read"):
        read_indices(str(tmp_path / "a.npy"), 1000)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("array", [np.arange(4).reshape(2, 2), np.arange(3.0), np.array(3)])
def test_arrays_of_other_shapes_and_types_are_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=r"found "):
        read_indices(str(tmp_path / "a.npy"), 1000)


@pytest.mark.parametrize("key", ["limit", "skip"])
def test_either_positions_or_a_number(key):
    with pytest.raises(InputError, match="beside `limit` or `skip`"):
        dataset(SPEC | {"indices": [1], key: 1})


def test_skipped_images_are_those_that_a_limit_takes():
    """The `skip` of a validation set equals the `limit` of the training set."""
    y = labels(open_source(SPEC))
    for skip, limit, seed in ((600, 300, 0), (7, 13, 1), (999, 1, 2), (500, None, 0)):
        left = {"seed": seed, "skip": skip} | ({} if limit is None else {"limit": limit})
        first = set(dataset(SPEC | {"limit": skip, "seed": seed})["source"])
        second = dataset(SPEC | left)
        assert not first & set(second["source"])
        assert len(second) == (limit or 1000 - skip)
    counts = np.bincount(dataset(SPEC | {"skip": 600, "limit": 300})["label"], minlength=10)
    assert counts.tolist() == [30] * 10
    assert len(np.unique(stratified(y, 600))) == 600


@pytest.mark.parametrize(
    ("left", "says"),
    [
        ({"skip": 1000}, "`skip`: found 1000, expected 0 to 999"),
        ({"skip": 900, "limit": 101}, "`limit`: found 101, expected 1 to 100"),
    ],
)
def test_too_many_are_skipped(left, says):
    with pytest.raises(InputError, match=says):
        dataset(SPEC | left)


def test_long_work_says_how_far_it_is(capsys):
    dataset(SPEC | {"limit": 999})
    assert capsys.readouterr().err == ""
    dataset(SPEC)
    assert "1000/1000 images, " in capsys.readouterr().err


def test_sizes_count_chosen_images():
    assert size(SPEC | {"indices": CHOSEN}) == expected_size(SPEC | {"indices": CHOSEN}) == 4
    assert size(SPEC | {"indices": "chosen.npy"}) is None


def test_folders_have_the_size_of_the_whole_at_best():
    for source, images in (("imagenet", 50000), ("imagenet-v2", 10000), ("imagenet-a", 7500)):
        spec = {"source": source, "path": "data/x"}
        assert size(spec) is None
        assert expected_size(spec) == images
    train = {"source": "imagenet", "path": "data/imagenet/train"}
    assert expected_size(train) == 1281167
    assert expected_size({"source": "objectnet", "path": "x", "copies": 2}) == 2 * 18574
    assert expected_size({"source": "folder", "path": "x"}) is None
    assert expected_size(SPEC) == size(SPEC) == 1000
