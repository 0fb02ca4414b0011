"""Data sets as the hub's library has them on this machine: files, and a cache."""

import io

import numpy as np
import pytest
from PIL import Image

from diffusion_classifier.data.sources.opening import open_source
from diffusion_classifier.messages import InputError

hf = pytest.importorskip("datasets")
SHA = "0b2714987fa478483af9968de7c934580d0bb9a2"
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
LABELS = [3, 8, 8, 0, 6, 9]


def stay_alone(tmp_path, monkeypatch):
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


def error_of(spec, call=open_source):
    with pytest.raises(InputError) as error:
        call(spec)
    message = str(error.value)
    assert "\n" not in message and "hf_this" not in message and "/home" not in message
    return message
