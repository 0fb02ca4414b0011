"""Damaged files are distinguished from missing and unreadable ones."""

import os

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from diffusion_classifier import files
from diffusion_classifier.operations import damage


@pytest.fixture
def results(tmp_path):
    """A results folder with one file of each kind."""
    folder = tmp_path / "results"
    values = np.random.default_rng(0).normal(size=(200, 30)).astype("float32")
    files.write_dataset(xr.Dataset({"l2": (("pair", "sample"), values)}), folder / "a.nc")
    files.write_parquet(pd.DataFrame({"score": values.ravel()}), folder / "a.parquet")
    files.write_tensors({"latents": torch.tensor(values)}, folder / "a.safetensors")
    files.write_json({"a": 1}, folder / "a.json")
    files.write_tensors({"weight": torch.tensor(values)}, folder / "model/unet/b.safetensors")
    return folder


NAMES = ["a.nc", "a.parquet", "a.safetensors", "a.json", "model"]


def spoil(path, how):
    content = bytearray(path.read_bytes())
    if how == "changed":
        content[len(content) // 2] ^= 0xFF
    path.write_bytes({"empty": b"", "cut": content[:-7]}.get(how, bytes(content)))


def found(results, names=NAMES):
    return [p.name for p, _ in damage.found([str(results / n) for n in names], str(results))]


def test_whole_files_are_whole(results):
    assert found(results) == []


@pytest.mark.parametrize("how", ["empty", "cut", "changed"])
@pytest.mark.parametrize("name", NAMES[:3])
def test_damaged_files_are_found(results, name, how):
    spoil(results / name, how)
    assert found(results) == [name]


@pytest.mark.parametrize("how", ["empty", "cut"])
def test_a_model_with_weights_cut_short_is_found(results, how):
    spoil(results / "model/unet/b.safetensors", how)
    ((path, reason),) = damage.found([str(results / "model")], str(results))
    assert path.name == "model" and reason.startswith("b.safetensors: ")


def test_what_was_not_made_here_is_not_judged(results, tmp_path):
    spoil(results / "a.nc", "cut")
    assert damage.found([str(results / "a.nc")], str(tmp_path / "other")) == []


def test_what_is_not_there_is_not_damaged(results):
    assert found(results, ["none.nc", "none.parquet", "none.safetensors"]) == []


def test_what_was_set_aside_is_out_of_the_way(results):
    for name in ("a.nc", "model"):
        for _ in range(2):  # a second time, too
            aside = damage.set_aside(results / name)
            assert aside.exists() and not (results / name).exists()
            if name == "model":
                (results / name).mkdir()
            else:
                (results / name).write_text("again")
    assert damage.set_aside(results / "none.nc").name == "none.nc.damaged"
    assert len([n for n in os.listdir(results) if n.endswith(".damaged")]) == 3
