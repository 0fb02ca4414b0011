"""Reading parts of a stored data set, against reading all of it."""

import numpy as np
import pandas as pd
import pytest

from diffusion_classifier import files
from diffusion_classifier.data import stored_images as stored


@pytest.fixture
def path(tmp_path):
    """150 images in pieces of 40: more than one row group, and more than one batch."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "image": np.arange(150),
            "label": rng.integers(0, 5, 150),
            "bytes": [rng.bytes(int(size)) for size in rng.integers(1, 50, 150)],
            "tag": "x",
        }
    )
    pieces = [frame.iloc[start : start + 40] for start in range(0, 150, 40)]
    files.write_parquet_pieces(pieces, tmp_path / "data.parquet")
    return tmp_path / "data.parquet"


def test_labels_are_all_but_the_images(path):
    whole = files.read_parquet(path)
    pd.testing.assert_frame_equal(stored.read_labels(path), whole.drop(columns="bytes"))


def test_images_come_in_their_order(path):
    assert list(stored.encoded_images(path)) == files.read_parquet(path)["bytes"].tolist()


def test_some_images_by_their_numbers(path):
    whole = files.read_parquet(path).set_index("image")["bytes"]
    chosen = [149, 3, 41]
    assert stored.encoded_images_of(path, chosen) == {n: whole[n] for n in chosen}
    frame = pd.DataFrame({"image": [41, 3], "true": ["a", "b"]})
    assert stored.with_images(frame, path)["bytes"].tolist() == [whole[41], whole[3]]
