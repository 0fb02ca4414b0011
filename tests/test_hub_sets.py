"""Data sets of the hub by name: from the cache, or a message that says how to get them."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from hub_cache import (
    CIFAR10,
    LABELS,
    PIXELS,
    SHA,
    cifar,
    error_of,
    local,
    png,
    snapshot,
)

from diffusion_classifier.data.sources.image_source import labels
from diffusion_classifier.data.sources.opening import dataset, open_source
from diffusion_classifier.data.sources.sizes import class_count, expected_size, size

pytestmark = pytest.mark.usefixtures("alone")

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
    message = error_of(cached | {"split": "validation"})
    assert "no split 'validation', expected one of train, test" in message
    unpinned = {key: value for key, value in cached.items() if key != "revision"}
    assert "expected a `revision` for a data set of the hub" in error_of(unpinned)
    assert "`revision` for a data set of the hub, without the others" in error_of(
        cached | {"data_dir": "data"}
    )


def test_what_is_not_cached_is_fetched_by_a_command():
    spec = {"source": "huggingface", "dataset": "uoft-cs/cifar100", "revision": SHA}
    message = error_of(spec)
    command = re.search("`(hf download .*)`", message)[1].split()
    assert command[2] == "uoft-cs/cifar100"
    assert command[command.index("--repo-type") + 1] == "dataset"
    assert command[command.index("--revision") + 1] == SHA


def refuse(monkeypatch, kind, status):
    """Let the hub answer as it does without access."""
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
        message = error_of(entry, call)
        assert f"https://huggingface.co/datasets/{entry['dataset']}" in message
        assert "accept" in message and "HF_TOKEN" in message and "hf auth login" in message


def test_no_such_data_set(monkeypatch):
    refuse(monkeypatch, "RepositoryNotFoundError", 404)
    message = error_of({"source": "huggingface", "dataset": "owner/gone", "revision": SHA})
    assert "no such" in message and "owner/gone" in message


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
