"""Data sets of the hub's library: its own files and cache on this machine, never a network."""

import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from diffusion_classifier.datasets import dataset, decode, labels, open_source
from diffusion_classifier.datasets.hub_data import winoground_from_hub
from diffusion_classifier.datasets.sizes import class_count, expected_size, size
from diffusion_classifier.datasets.winoground import read_winoground
from diffusion_classifier.messages import InputError
from diffusion_classifier.scenes.compositions import winoground_examples

hf = pytest.importorskip("datasets")
SHA = "0b2714987fa478483af9968de7c934580d0bb9a2"
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
LABELS = [3, 8, 8, 0, 6, 9]
README = """---
dataset_info:
  config_name: plain_text
  features:
  - name: img
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
{names}
  splits:
  - name: train
    num_examples: 50000
  - name: test
    num_examples: 10000
configs:
- config_name: plain_text
  data_files:
  - split: train
    path: plain_text/train-*
  - split: test
    path: plain_text/test-*
  default: true
---
# CIFAR-10
"""


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Caches of its own, and no network whatever happens."""
    from huggingface_hub import constants

    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", tmp_path / "cache" / "datasets")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hf.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_TOKEN", "hf_thisIsASecretOfTheUser")


def png(pixels, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def cifar(path, images=range(6), **columns):
    """A Parquet file in the schema of uoft-cs/cifar10: PNGs in `img`, classes in `label`."""
    columns = columns or {"label": [LABELS[i] for i in images]}
    kinds = {"label": hf.ClassLabel(names=CIFAR10)}
    features = {name: kinds.get(name, hf.Value("int64")) for name in columns}
    for name, values in columns.items():
        if isinstance(values[0], str):
            features[name] = hf.Value("string")
    rows = {"img": [{"bytes": png(PIXELS[i]), "path": None} for i in images], **columns}
    path.parent.mkdir(parents=True, exist_ok=True)
    hf.Dataset.from_dict(rows, hf.Features({"img": hf.Image(), **features})).to_parquet(path)
    return path


def local(path, **more):
    return {"source": "huggingface", "dataset": "parquet", "data_files": str(path), **more}


def snapshot(tmp_path, name, revision=SHA):
    """The folder of a data set's files where the hub's cache has them."""
    folder = tmp_path / "cache" / "hub" / f"datasets--{name.replace('/', '--')}"
    (folder / "refs" / revision).parent.mkdir(parents=True, exist_ok=True)
    (folder / "refs" / revision).write_text(SHA)
    (folder / "snapshots" / SHA).mkdir(parents=True)
    return folder / "snapshots" / SHA


@pytest.fixture
def cached(tmp_path):
    """uoft-cs/cifar10 as `hf download` leaves it: links to blobs, test split only."""
    folder = snapshot(tmp_path, "uoft-cs/cifar10")
    blob = cifar(folder.parents[1] / "blobs" / "0123abcd")
    (folder / "plain_text").mkdir()
    (folder / "plain_text" / "test-00000-of-00001.parquet").symlink_to(blob)
    names = "\n".join(f"          '{i}': {name}" for i, name in enumerate(CIFAR10))
    (folder / "README.md").write_text(README.format(names=names))
    return {"source": "huggingface", "dataset": "uoft-cs/cifar10", "revision": SHA}


def error_of(spec, call=open_source):
    with pytest.raises(InputError) as error:
        call(spec)
    said = str(error.value)
    assert "\n" not in said and "hf_this" not in said and "/home" not in said
    return said


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
        assert row.bytes == png(PIXELS[row.image])  # the very bytes of the file
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
    said = error_of(local(two))
    assert "0 columns of the kind ClassLabel among `img` (Image), `fine` (Value)" in said
    assert "`label_column`" in said
    for key in ("image_column", "label_column"):
        said = error_of(local(path, **{key: "picture"}))
        assert f"`{key}: picture`, expected one of `img` (Image), `label` (ClassLabel)" in said
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
    said = error_of(local(path, label_column="kind", names=names[1:]))
    assert "found 'truck', expected a class name of `names`" in said


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
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("parquet/")]
    assert said[0].startswith("parquet/test/1: found a damaged or incomplete image")
    assert said[1].startswith("parquet/test/2: found a row without an image in `img`")
    assert "parquet/test/1" in error_of(local(tmp_path / "a.parquet", strict=True), dataset)


def test_a_row_names_no_file_of_this_machine(tmp_path):
    """Rows come from anybody: a path in one would otherwise show a file of the user's own."""
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
    assert "expected one of `data_files` and `data_dir`" in error_of(folder)
    (tmp_path / "a.parquet").write_text("no Parquet")
    assert "cannot be read as a data set (" in error_of(local(tmp_path / "a.parquet"))


# --- the hub


def test_a_split_of_the_hub_from_the_cache(cached):
    frame = dataset(cached | {"limit": 6})
    assert frame["label"].tolist() == LABELS
    assert frame["source"].iloc[5] == "uoft-cs/cifar10@0b27149/test/5"
    assert [data for data in frame["bytes"]] == [png(pixels) for pixels in PIXELS]
    assert open_source(cached | {"config": "plain_text"}).class_names == CIFAR10


def test_names_of_readme_are_those_of_files_without(cached, tmp_path):
    """Parquet that another tool wrote has plain integers; the data set's page names them."""
    folder = tmp_path / "cache" / "hub" / "datasets--uoft-cs--cifar10" / "blobs" / "0123abcd"
    rows = [{"img": {"bytes": png(PIXELS[i]), "path": None}, "label": LABELS[i]} for i in range(6)]
    pd.DataFrame(rows).to_parquet(folder)
    assert open_source(cached).class_names == CIFAR10
    assert labels(open_source(cached)).tolist() == LABELS


def test_a_data_set_without_readme(tmp_path):
    folder = snapshot(tmp_path, "owner/things", "main")
    cifar(folder / "data" / "train-00000-of-00001.parquet", [0, 1])
    cifar(folder / "data" / "test-00000-of-00001.parquet", [2])
    spec = {"source": "huggingface", "dataset": "owner/things", "revision": "main"}
    assert dataset(spec)["label"].tolist() == [8]
    assert dataset(spec | {"split": "train"})["source"].tolist() == [
        "owner/things@main/train/0",
        "owner/things@main/train/1",
    ]
    assert "no split 'val', expected one of" in error_of(spec | {"split": "val"})


def test_a_folder_of_images_of_the_hub(tmp_path):
    folder = snapshot(tmp_path, "owner/photos", "main")
    for number, name in enumerate(("test/cat/b.png", "test/ant/a.png", "test/cat/c.png")):
        blob = folder.parents[1] / "blobs" / f"{number:040}"
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(png(PIXELS[number]))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(blob)
    spec = {"source": "huggingface", "dataset": "owner/photos", "revision": "main"}
    frame = dataset(spec)
    start = "owner/photos@main/test/test"
    assert dict(zip(frame["source"], frame["bytes"], strict=True)) == {
        f"{start}/cat/b.png": png(PIXELS[0]),
        f"{start}/ant/a.png": png(PIXELS[1]),
        f"{start}/cat/c.png": png(PIXELS[2]),
    }
    assert set(zip(frame["label"], frame["classname"], strict=True)) == {(0, "ant"), (1, "cat")}


def test_mistakes_about_a_data_set_of_the_hub(cached):
    assert "`config: fine`, expected one of plain_text" in error_of(cached | {"config": "fine"})
    said = error_of(cached | {"split": "validation"})
    assert "no split 'validation', expected one of train, test" in said
    unpinned = {key: value for key, value in cached.items() if key != "revision"}
    assert "expected a data set of the hub to have a `revision`" in error_of(unpinned)
    assert "`revision` and neither" in error_of(cached | {"data_dir": "data"})


def test_what_is_not_cached_is_fetched_by_a_command():
    spec = {"source": "huggingface", "dataset": "uoft-cs/cifar100", "revision": SHA}
    said = error_of(spec)
    command = re.search("`(hf download .*)`", said)[1].split()
    assert command[2] == "uoft-cs/cifar100"
    assert command[command.index("--repo-type") + 1] == "dataset"
    assert command[command.index("--revision") + 1] == SHA


def refuse(monkeypatch, kind, status):
    """Have the hub answer as it does without access."""
    import huggingface_hub as hub
    from huggingface_hub import errors

    def download(*_, **__):
        response = SimpleNamespace(status_code=status, headers={}, request=None, text="")
        raise getattr(errors, kind)(
            "https://huggingface.co/api hf_thisIsASecret", response=response
        )

    monkeypatch.setattr(hub, "snapshot_download", download)


def test_terms_have_to_be_accepted(monkeypatch):
    refuse(monkeypatch, "GatedRepoError", 403)
    spec = {"source": "huggingface", "dataset": "ILSVRC/imagenet-1k", "revision": SHA}
    winoground = {"source": "winoground", "dataset": "facebook/winoground", "revision": SHA}
    for call, entry in ((open_source, spec), (dataset, winoground)):
        said = error_of(entry, call)
        assert f"https://huggingface.co/datasets/{entry['dataset']}" in said
        assert "accept" in said and "HF_TOKEN" in said and "hf auth login" in said


def test_no_such_data_set(monkeypatch):
    refuse(monkeypatch, "RepositoryNotFoundError", 404)
    said = error_of({"source": "huggingface", "dataset": "owner/gone", "revision": SHA})
    assert "no such" in said and "owner/gone" in said


def test_sizes_of_named_sets():
    for name, column, classes in (("cifar10", None, 10), ("cifar100", "fine_label", 100)):
        spec = {"source": "huggingface", "dataset": f"uoft-cs/{name}", "label_column": column}
        assert size(spec) == 10 * 1000
        assert size(spec | {"split": "train"}) == 10 * 5000
        assert class_count(spec) == classes
    assert size(local("a.parquet")) is class_count(local("a.parquet")) is None
    spec = {"source": "winoground", "dataset": "facebook/winoground", "revision": "main"}
    assert size(spec) == expected_size(spec) == 400
    assert size({"source": "winoground", "file": "a.parquet"}) is None


# --- Winoground


def test_winoground_of_the_hub_as_parquet(tmp_path):
    examples = winoground_examples(2)
    folder = snapshot(tmp_path, "facebook/winoground", "refs/convert/parquet")
    (folder / "default" / "test").mkdir(parents=True)
    examples.to_parquet(folder / "default" / "test" / "0000.parquet")
    examples.to_parquet(tmp_path / "own.parquet")
    spec = {"source": "winoground", "dataset": "facebook/winoground"}
    found = dataset(spec | {"revision": "refs/convert/parquet"})
    pd.testing.assert_frame_equal(
        found, dataset({"source": "winoground", "file": str(tmp_path / "own.parquet")})
    )
    assert len(found) == 12 and found["example"].nunique() == 6
    pd.testing.assert_frame_equal(
        winoground_from_hub("facebook/winoground", "refs/convert/parquet"),
        read_winoground(tmp_path / "own.parquet"),
    )
    for wrong in ({}, {"file": "a.parquet", "dataset": "facebook/winoground"}):
        said = error_of({"source": "winoground"} | wrong, dataset)
        assert "either `file`, or `dataset` and `revision`" in said


def test_winoground_of_the_hub_as_released(tmp_path):
    import zipfile

    examples = winoground_examples(1)
    folder = snapshot(tmp_path, "facebook/winoground")
    (folder / "data").mkdir()
    with zipfile.ZipFile(folder / "data" / "images.zip", "w") as archive:
        lines = []
        for row in examples.to_dict("records"):
            for k in (0, 1):
                archive.writestr(f"images/ex_{row['id']}_img_{k}.png", row[f"image_{k}"]["bytes"])
                row[f"image_{k}"] = f"ex_{row['id']}_img_{k}"
            lines.append(json.dumps(row))
    (folder / "data" / "examples.jsonl").write_text("\n".join(lines))
    found = dataset({"source": "winoground", "dataset": "facebook/winoground", "revision": SHA})
    assert found["bytes"].tolist() == [
        row[f"image_{k}"]["bytes"] for row in examples.to_dict("records") for k in (0, 1)
    ]


def test_something_else_is_not_winoground(tmp_path):
    cifar(snapshot(tmp_path, "owner/things") / "a.parquet")
    with pytest.raises(InputError, match=r"the column `id` is missing"):
        winoground_from_hub("owner/things", SHA)
    snapshot(tmp_path, "owner/nothing")
    with pytest.raises(InputError, match=r"found neither Parquet nor data/examples\.jsonl"):
        winoground_from_hub("owner/nothing", SHA)
