"""Local files that the library `datasets` reads: Parquet and folders of images."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_cache import (
    CIFAR10,
    LABELS,
    PIXELS,
    cifar,
    error_of,
    local,
    png,
)
from PIL import Image

from diffusion_classifier.data.sources.image_source import decode, labels
from diffusion_classifier.data.sources.opening import dataset, open_source
from diffusion_classifier.messages import InputError

pytestmark = pytest.mark.usefixtures("alone")

hf = pytest.importorskip("datasets")


# --- Parquet


def test_cifar10_as_the_hub_stores_it(tmp_path):
    path = cifar(tmp_path / "test-00000-of-00001.parquet")
    source, frame = open_source(local(path)), dataset(local(path))
    assert source.class_names == CIFAR10
    assert labels(source).tolist() == frame["label"].tolist() == LABELS
    assert frame["classname"].tolist() == ["cat", "ship", "ship", "airplane", "frog", "truck"]
    assert frame["source"].tolist() == [f"parquet/test/{index}" for index in range(6)]
    theirs = hf.Dataset.from_parquet(str(path))
    for row in frame.itertuples():
        assert row.bytes == png(PIXELS[row.image])  # the same bytes as in the file
        np.testing.assert_array_equal(decode(row.bytes), theirs[row.image]["img"])
        np.testing.assert_array_equal(source.image(row.image), PIXELS[row.image])


def test_several_files_are_one_split(tmp_path):
    cifar(tmp_path / "d" / "a-0.parquet", [0, 1])
    cifar(tmp_path / "d" / "a-1.parquet", [2])
    cifar(tmp_path / "d" / "b.parquet", [3])
    found = dataset(local(tmp_path / "d" / "a-*.parquet", split="validation"))
    assert found["label"].tolist() == LABELS[:3]
    assert found["source"].iloc[2] == "parquet/validation/2"


def test_columns_are_chosen_by_name_where_there_are_several(tmp_path):
    path = cifar(tmp_path / "a.parquet", label=LABELS, coarse=[i // 2 for i in LABELS])
    assert open_source(local(path)).class_names == CIFAR10
    coarse = open_source(local(path, label_column="coarse", image_column="img"))
    assert labels(coarse).tolist() == [1, 4, 4, 0, 3, 4]
    assert coarse.class_names == ["0", "1", "2", "3", "4"]
    named = open_source(local(path, label_column="coarse", names=list("abcde")))
    assert named.class_names == list("abcde")
    two = cifar(tmp_path / "b.parquet", fine=LABELS, coarse=LABELS)
    message = error_of(local(two))
    assert "0 columns of the kind ClassLabel among `img` (Image), `fine` (Value)" in message
    assert "`label_column`" in message
    for key in ("image_column", "label_column"):
        message = error_of(local(path, **{key: "picture"}))
        assert f"`{key}: picture`, expected one of `img` (Image), `label` (ClassLabel)" in message
    assert "image_column: coarse" in error_of(local(path, image_column="coarse"))


def test_texts_are_sorted_classes_or_those_of_names(tmp_path):
    path = cifar(tmp_path / "a.parquet", kind=["cat", "ship", "ship", "ant", "frog", "truck"])
    source = open_source(local(path, label_column="kind"))
    assert source.class_names == ["ant", "cat", "frog", "ship", "truck"]
    assert labels(source).tolist() == [1, 3, 3, 0, 2, 4]
    names = ["truck", "ship", "frog", "cat", "ant", "dog"]
    ordered = open_source(local(path, label_column="kind", names=names))
    assert ordered.class_names == names
    assert [names[label] for label in labels(ordered)] == [
        source.class_names[label] for label in labels(source)
    ]
    message = error_of(local(path, label_column="kind", names=names[1:]))
    assert "found 'truck', expected a class name of `names`" in message


@pytest.mark.parametrize(
    ("values", "more", "says"),
    [
        ([0, 1, 2, 3, 4, -1], {}, "found -1, expected labels from 0 to 4"),
        ([0, 1, 2, 3, 4, 5], {"names": ["a", "b"]}, "found 2, expected labels from 0 to 1"),
        ([0, 1, None, 3, 4, 5], {}, "values of NoneType, int"),
    ],
)
def test_labels_without_a_class_are_said(tmp_path, values, more, says):
    path = cifar(tmp_path / "a.parquet", y=values)
    assert says in error_of(local(path, label_column="y", **more))


def test_damaged_and_absent_images_are_left_out_unless_strict(tmp_path, capsys):
    data = [png(PIXELS[0]), png(PIXELS[1])[:99], None]
    rows = {"img": [data and {"bytes": data, "path": None} for data in data], "label": [1, 2, 3]}
    features = hf.Features({"img": hf.Image(), "label": hf.ClassLabel(names=CIFAR10)})
    hf.Dataset.from_dict(rows, features).to_parquet(tmp_path / "a.parquet")
    found = dataset(local(tmp_path / "a.parquet"))
    assert found["label"].tolist() == [1]
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("parquet/")]
    assert message[0].startswith("parquet/test/1: found a damaged or incomplete image")
    assert message[1].startswith("parquet/test/2: found a row without an image in `img`")
    assert "parquet/test/1" in error_of(local(tmp_path / "a.parquet", strict=True), dataset)


def test_a_row_names_no_file_of_this_machine(tmp_path):
    """A data set may come from anybody: a path in a row could otherwise expose a user's file."""
    Image.fromarray(PIXELS[0]).save(tmp_path / "private.png")
    paths = [str(tmp_path / "d" / ".." / "private.png"), str(tmp_path / "private.png")]
    rows = {"img": [{"bytes": None, "path": path} for path in paths], "label": [0, 1]}
    features = hf.Features({"img": hf.Image(), "label": hf.ClassLabel(names=CIFAR10)})
    (tmp_path / "d").mkdir()
    pq.write_table(pa.table(rows, features.arrow_schema), tmp_path / "d" / "a.parquet")
    source = open_source(local(tmp_path / "d" / "a.parquet"))
    for index in (0, 1):
        with pytest.raises(InputError, match="a row without an image"):
            source.encoded(index)


# --- folders of images


def test_imagefolder_as_the_library_reads_it(tmp_path):
    for i, name in enumerate(("test/cat/b.png", "test/cat/a.png", "test/ant/c.png")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(PIXELS[i]))
    spec = {
        "source": "huggingface",
        "dataset": "imagefolder",
        "data_dir": str(tmp_path / "photos"),
    }
    theirs = hf.load_dataset("imagefolder", data_dir=spec["data_dir"], split="test")
    frame = dataset(spec)
    assert open_source(spec).class_names == theirs.features["label"].names == ["ant", "cat"]
    assert frame["label"].tolist() == theirs["label"][:]
    expected = {"cat/b.png": 0, "cat/a.png": 1, "ant/c.png": 2}
    for row, their in zip(frame.itertuples(), theirs, strict=True):
        pixels = PIXELS[expected[row.source.removeprefix("imagefolder/test/test/")]]
        np.testing.assert_array_equal(decode(row.bytes), pixels)
        np.testing.assert_array_equal(their["image"], pixels)
        assert row.bytes == png(pixels)
    assert "no split 'train', expected one of test;" in error_of(spec | {"split": "train"})


def test_local_files_that_are_not_there(tmp_path):
    assert "no such file" in error_of(local("gone/*.parquet"))
    folder = {"source": "huggingface", "dataset": "imagefolder"}
    assert "no such folder" in error_of(folder | {"data_dir": "gone"})
    assert "expected exactly one of them; correct it" in error_of(folder)
    (tmp_path / "a.parquet").write_text("no Parquet")
    assert "cannot be read as a data set (" in error_of(local(tmp_path / "a.parquet"))
