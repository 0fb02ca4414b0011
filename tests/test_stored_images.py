"""How the images of a data set are stored, and how unreadable images are handled."""

import io

import numpy as np
import pytest
from PIL import Image
from torchvision_trees import error_of, jpeg, make_trees, spec

from diffusion_classifier import files
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.sources.opening import dataset, open_source, pieces
from diffusion_classifier.messages import InputError


@pytest.fixture
def trees(tmp_path, monkeypatch):
    return make_trees(tmp_path, monkeypatch)


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
    assert lines[0].startswith("Food101/test/waffles/11.jpg: found a damaged")
    assert "'Food101': 2 of 3 files were used; left out: Food101/test/waffles/11.jpg" in lines[1]
    message = error_of(spec("Food101", trees[0], strict=True), dataset)
    assert (
        "found 1 of 3 files that cannot be used, Food101/test/waffles/11.jpg (a damaged" in message
    )
    message = error_of(spec("Food101", trees[0], indices=[1]), dataset)
    assert message.startswith("torchvision 'Food101': found no readable image among the 1")


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
    message = error_of(spec("Food101", trees[0], shift={"kind": "blur"}), dataset)
    assert "'blur', expected one of pose" in message


def test_each_image_is_decoded_once(trees, monkeypatch):
    from diffusion_classifier.data.image_files import images

    seen, read = [], images._read
    monkeypatch.setattr(images, "_read", lambda *a: seen.append(a[1]) or read(*a))
    dataset(spec("Food101", trees[0]))
    assert sorted(seen) == sorted({row[0] for row in trees[1]["Food101"]})


def test_pieces_make_the_same_file_as_the_whole(trees, monkeypatch, tmp_path):
    """Only a piece of a large data set is in memory; readers of the file do not notice pieces."""
    from diffusion_classifier.data.sources import image_source as base

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
    from diffusion_classifier.data.sources import image_source as base

    monkeypatch.setattr(base, "PIECE", 1)
    (trees[0] / "food-101/images/apple_pie/7.jpg").write_bytes(b"")
    target = tmp_path / "out" / "data.parquet"
    with pytest.raises(InputError, match=r"apple_pie/7\.jpg \(an empty file\)"):
        files.write_parquet_pieces(pieces(spec("Food101", trees[0], strict=True)), target)
    assert list(target.parent.iterdir()) == []
