"""Shifts: their effect on an image, which depends only on seed and index."""

import numpy as np
import pytest
from PIL import Image

from diffusion_classifier.data.choosing.shifts import Shifted, apply_shift, pose
from diffusion_classifier.data.sources.image_source import ArrayImages, encode, labels
from diffusion_classifier.data.sources.opening import dataset, open_source
from diffusion_classifier.messages import InputError

TEST = {"source": "mnist", "split": "test"}
POSE = {"kind": "pose"}
UCI = {"source": "uci-digits"}


@pytest.mark.parametrize("kind", ["pose", "occlusion", "noise"])
def test_a_shifted_image_does_not_depend_on_the_limit(kind):
    spec = TEST | {"shift": {"kind": kind}, "seed": 5}
    few, many = dataset(spec | {"limit": 10}), dataset(spec | {"limit": 40})
    of_many = dict(zip(many["source"], many["bytes"], strict=True))
    assert [of_many[source] for source in few["source"]] == few["bytes"].tolist()


@pytest.mark.parametrize("kind", ["pose", "occlusion", "noise"])
def test_a_shift_is_drawn_from_seed_and_index(kind):
    image = random_image()
    drawn = {
        encode(apply_shift(image, kind, {}, seed, index)) for seed in range(2) for index in range(3)
    }
    assert len(drawn) == 6


def test_a_shift_keeps_images_and_labels():
    plain = dataset(UCI | {"limit": 30, "seed": 2})
    shifted = dataset(UCI | {"limit": 30, "seed": 2, "shift": {"kind": "noise", "sigma": 0.1}})
    assert plain["label"].tolist() == shifted["label"].tolist()
    assert plain["source"].tolist() == [source.split()[0] for source in shifted["source"]]
    assert not set(plain["bytes"]) & set(shifted["bytes"])


def test_copies_are_different_variants_of_the_same_images():
    one, three = (
        open_source(TEST | {"shift": POSE}),
        open_source(TEST | {"shift": POSE, "copies": 3}),
    )
    variants = [np.asarray(three.image(copy * 1000 + 17)) for copy in range(3)]
    np.testing.assert_array_equal(variants[0], one.image(17))
    assert not np.array_equal(variants[0], variants[1])
    assert not np.array_equal(variants[1], variants[2])
    np.testing.assert_array_equal(labels(three), np.tile(labels(one), 3))


class Fixed:
    """A generator whose uniform numbers are given."""

    def __init__(self, *values):
        self.values = values

    def uniform(self, low, high, size):
        assert (low, high, size) == (-1, 1, len(self.values))
        return np.array(self.values)


def random_image(seed=0, side=28):
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_pose_without_ranges_is_the_identity():
    image = random_image()
    params = {"degrees": 0, "shift": 0, "scale": 0}
    np.testing.assert_array_equal(apply_shift(image, "pose", params, 0, 0), image)


def test_pose_moves_by_a_share_of_the_side_and_fills_with_black():
    image = random_image()
    moved = np.asarray(pose(image, Fixed(1, 1, 1, -1), degrees=0, shift=0.25, scale=0))
    expected = np.zeros((28, 28), dtype=np.uint8)
    expected[:21, 7:] = np.asarray(image)[7:, :21]
    np.testing.assert_array_equal(moved, expected)


def test_pose_turns_about_the_centre():
    image = random_image()
    turned = np.asarray(pose(image, Fixed(1, 0, 0, 0), degrees=90)).astype(int)
    difference = [np.abs(turned - np.rot90(np.asarray(image), k)).max() for k in (1, 3)]
    assert min(difference) <= 1


@pytest.mark.parametrize(("zoom", "side"), [(1, 15), (-1, 5)])
def test_pose_scales_about_the_centre(zoom, side):
    pixels = np.zeros((40, 40), dtype=np.uint8)
    pixels[15:25, 15:25] = 255
    scaled = pose(Image.fromarray(pixels), Fixed(0, zoom, 0, 0), scale=0.5)
    mass = np.asarray(scaled).astype(float) / 255
    assert mass.sum() == pytest.approx(side**2, rel=0.15)
    assert (mass.sum(axis=0) * np.arange(40)).sum() / mass.sum() == pytest.approx(19.5, abs=0.1)


def test_pose_then_moved_is_turned_about_its_own_centre():
    """The rotation must not change the distance by which a digit is moved."""
    pixels = np.zeros((40, 40), dtype=np.uint8)
    pixels[17:23, 17:23] = 255
    moved = pose(
        Image.fromarray(pixels), Fixed(0.7, -0.5, 1, 0.5), degrees=60, shift=0.2, scale=0.4
    )
    mass = np.asarray(moved).astype(float)
    rows, columns = np.indices(mass.shape)
    assert (columns * mass).sum() / mass.sum() == pytest.approx(19.5 + 8, abs=0.1)
    assert (rows * mass).sum() / mass.sum() == pytest.approx(19.5 + 4, abs=0.1)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(("side", "length"), [(0.3, 8), (0.5, 14), (0.01, 1)])
def test_occlusion_covers_a_square_on_the_digit(mode, side, length):
    pixels = np.zeros((28, 28), dtype=np.uint8)
    pixels[14, 12] = 255
    image = Image.fromarray(pixels).convert(mode)
    covered = apply_shift(image, "occlusion", {"side": side, "brightness": 0.4}, 0, 3)
    assert covered.mode == mode
    grey = np.asarray(covered.convert("L")) == 102
    rows, columns = np.flatnonzero(grey.any(1)), np.flatnonzero(grey.any(0))
    assert (len(rows), len(columns), grey.sum()) == (length, length, length**2)
    assert grey[14, 12]


def test_occlusion_is_cut_at_the_border():
    pixels = np.zeros((28, 28), dtype=np.uint8)
    pixels[0, 27] = 255
    params = {"side": 0.5, "brightness": 1}
    covered = np.asarray(apply_shift(Image.fromarray(pixels), "occlusion", params, 0, 0))
    expected = np.zeros((28, 28), dtype=np.uint8)
    expected[:7, 20:] = 255
    np.testing.assert_array_equal(covered, expected)


def test_occlusion_of_a_black_image_still_covers():
    image = Image.new("L", (28, 28))
    places = [
        np.asarray(apply_shift(image, "occlusion", {"brightness": 1}, 0, index)).nonzero()[0].mean()
        for index in range(20)
    ]
    assert np.ptp(places) > 5


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_noise_has_the_stated_deviation(mode):
    image = Image.new("L", (100, 100), 128).convert(mode)
    added = np.asarray(apply_shift(image, "noise", {"sigma": 0.1}, 0, 0)).astype(float) - 128
    assert added.std() == pytest.approx(25.5, rel=0.03)
    assert abs(added.mean()) < 1
    if mode == "RGB":  # each channel has its noise
        assert abs(np.corrcoef(added.reshape(-1, 3).T)[0, 1]) < 0.05


def test_noise_is_clipped_not_wrapped():
    image = Image.new("L", (100, 100), 255)
    noisy = np.asarray(apply_shift(image, "noise", {"sigma": 0.1}, 0, 0))
    assert np.mean(noisy == 255) == pytest.approx(0.5, abs=0.03)
    assert noisy.min() > 255 - 6 * 25.5


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        ({"kind": "blur"}, "'blur', expected one of pose, occlusion, noise"),
        ({"kind": "noise", "strength": 1}, "'noise'.*'strength': 1"),
    ],
)
def test_a_wrong_shift_is_explained(shift, message):
    with pytest.raises(InputError, match=message):
        dataset(TEST | {"limit": 10, "shift": shift})


def test_shifted_wraps_any_source():
    source = ArrayImages(
        np.full((2, 8, 8), 200, np.uint8), np.array([1, 0]), ["a", "b"], ["x", "y"]
    )
    shifted = Shifted(source, {"kind": "noise", "sigma": 0.5}, seed=9, copies=2)
    assert shifted.source(3) == "b noise(sigma=0.5) seed=9,3"
    expected = apply_shift(source.image(1), "noise", {"sigma": 0.5}, 9, 3)
    np.testing.assert_array_equal(shifted.image(3), expected)
