"""Results are complete or absent, and are read as they were written."""

import json
import os
import threading

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from diffusion_classifier import files
from diffusion_classifier.messages import InputError


def names(folder):
    return sorted(os.listdir(folder))


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), files.atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert names(tmp_path) == []


def test_a_failed_write_keeps_the_old_file(tmp_path):
    files.write_text("old", tmp_path / "a.txt")
    with pytest.raises(KeyboardInterrupt), files.atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        assert (tmp_path / "a.txt").read_text() == "old"  # nothing shows before the end
        raise KeyboardInterrupt
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_write_replaces_the_old_file_and_makes_its_folder(tmp_path):
    for text in ("old", "new"):
        files.write_text(text, tmp_path / "deep" / "er" / "a.txt")
    assert (tmp_path / "deep" / "er" / "a.txt").read_text() == "new"
    assert names(tmp_path / "deep" / "er") == ["a.txt"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with files.atomic(tmp_path / "a.txt") as one:
        one.write_text("one")
        with files.atomic(tmp_path / "a.txt") as two:
            two.write_text("two")
            assert one != two
        assert (tmp_path / "a.txt").read_text() == "two"
    assert (tmp_path / "a.txt").read_text() == "one"
    assert names(tmp_path) == ["a.txt"]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path, texts = tmp_path / "a.txt", [letter * 200_000 for letter in "abcd"]
    files.write_text(texts[0], path)
    failures = []

    def write(text):
        try:
            for _ in range(10):
                files.write_text(text, path)
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=[text]) for text in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_text() in texts
    assert failures == []
    assert names(tmp_path) == ["a.txt"]


def test_a_temporary_file_keeps_its_suffix(tmp_path):
    """Writers such as pandas and netCDF choose the format by the suffix."""
    with files.atomic(tmp_path / "a.csv.gz") as temporary:
        assert temporary.suffix == ".gz"
        assert temporary.parent == tmp_path
        temporary.touch()


def test_a_failed_folder_leaves_nothing_and_keeps_the_old_one(tmp_path):
    for text in (None, "old"):
        if text:
            with files.atomic_folder(tmp_path / "model") as folder:
                files.write_text(text, folder / "a" / "weights")
        before = names(tmp_path)
        with pytest.raises(RuntimeError), files.atomic_folder(tmp_path / "model") as folder:
            files.write_text("half", folder / "weights")
            raise RuntimeError
        assert names(tmp_path) == before
    assert (tmp_path / "model" / "a" / "weights").read_text() == "old"


def test_a_folder_replaces_the_old_one_wholly(tmp_path):
    for name in ("old", "new"):
        with files.atomic_folder(tmp_path / "deep" / "model") as folder:
            files.write_text(name, folder / name)
    assert names(tmp_path / "deep") == ["model"]
    assert names(tmp_path / "deep" / "model") == ["new"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64])
def test_tensors_round_trip(tmp_path, dtype):
    tensor = torch.arange(24).reshape(2, 3, 4).to(dtype)
    # a view, a tensor that requires gradients and an empty tensor are allowed
    tensors = {
        "view": tensor.transpose(0, 2),
        "shared": tensor[0],
        "empty": tensor[:0],
        "parameter": torch.ones(2, requires_grad=True),
    }
    files.write_tensors(tensors, tmp_path / "t.safetensors", {"seed": "0"})
    found = files.read_tensors(tmp_path / "t.safetensors")
    assert set(found) == set(tensors)
    for name, value in tensors.items():
        assert torch.equal(found[name], value)
        assert found[name].dtype == value.dtype


def test_the_same_tensors_make_the_same_bytes(tmp_path):
    tensors = {name: torch.arange(5) for name in ('a"\\b', "ε\t\x01\x7f", "😀/b")}
    contents = set()
    for i in range(5):
        files.write_tensors(tensors, path := tmp_path / f"{i}.safetensors")
        contents.add(path.read_bytes())
        back = files.read_tensors(path)
        assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())
    assert len(contents) == 1


def test_the_same_texts_are_read_beside_the_same_tensors(tmp_path):
    tensors = {name: torch.arange(5) for name in ('a"\\b', "ε\t\x01\x7f", "😀/b")}
    metadata = {"format": "pt"} | {f"kéy\n{i}": '"ü\\' for i in range(6)}
    found = []
    for i in range(5):
        files.write_tensors(tensors, path := tmp_path / f"{i}.safetensors", metadata)
        back = files.read_tensors(path)
        assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())
        found.append(files.read_text_metadata(path))
        assert found[-1].items() > metadata.items()
    assert found == found[:1] * 5


def test_datasets_round_trip(tmp_path):
    values = np.array([[1.5, np.nan, 1e-30], [2.5, -np.inf, 1e30]], "float32")
    dataset = xr.Dataset(
        {"l2": (("pair", "sample"), values)},
        {"image": ("pair", np.array([7, 8]))},
        attrs={"seconds": 1.25, "device": "cpu"},
    )
    files.write_dataset(dataset, tmp_path / "e.nc")
    found = files.read_dataset(tmp_path / "e.nc")
    xr.testing.assert_identical(found, dataset)
    assert found["l2"].dtype == np.float32
    (tmp_path / "e.nc").unlink()
    assert found["l2"].values[0, 0] == 1.5  # all in memory


def test_tables_round_trip(tmp_path):
    frame = pd.DataFrame(
        {
            "image": np.array([0, 1], "int64"),
            "loss": ["l1", "l2"],
            "scores": [np.array([1.0, np.nan], "float32"), np.array([2.0, 3.0], "float32")],
        }
    )
    files.write_parquet(frame, tmp_path / "p.parquet")
    found = files.read_parquet(tmp_path / "p.parquet")
    assert np.array_equal(np.stack(found["scores"]), np.stack(frame["scores"]), equal_nan=True)
    assert np.stack(found["scores"]).dtype == np.float32
    pd.testing.assert_frame_equal(found[["image", "loss"]], frame[["image", "loss"]])
    assert list(files.read_parquet(tmp_path / "p.parquet", ["loss"])) == ["loss"]
    plain = frame[["image", "loss"]]
    files.write_csv(plain, tmp_path / "p.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "p.csv"), plain)


def test_json_round_trips(tmp_path):
    value = {"name": "naïve ε", "numbers": [1, 0.1, 1e-300], "none": None}
    files.write_json(value, tmp_path / "a.json")
    assert files.read_json(tmp_path / "a.json") == value
    assert (tmp_path / "a.json").read_bytes().endswith(b"\n")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_json_refuses_what_is_no_json(tmp_path, bad):
    files.write_json({"top1": 0.5}, tmp_path / "a.json")
    with pytest.raises(ValueError):
        files.write_json({"top1": bad}, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {"top1": 0.5}
    assert names(tmp_path) == ["a.json"]


REPEATED = {
    "a: 1\nb: 2\na: 3\n": "`a` in line 1 and again in line 3",
    "t:\n  a: {x: 1}\n  b:\n    y: 1\n    y: 3\n": "`y` of `t.b` in line 4 and again in line 5",
    "l:\n- {x: 1}\n- {x: 1, x: 1}\n": "`x` of `l` in line 3 and again in line 3",
    '{"a": {"b": 1, "b": 2}}': "`b` of `a` in line 1 and again in line 1",
    "a: &a {x: 1, x: 2}\nb: *a\n": "`x` of `a` in line 1",
}  # fmt: skip


@pytest.mark.parametrize("text", REPEATED)
def test_a_key_that_stands_twice_is_found(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        files.check_keys(path)
    assert str(error.value).startswith(f"{path}: found the key {REPEATED[text]}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "a: {x: 1}\nb: {x: 1}\nl: [{x: 1}, {x: 1}]",
        "base: &b {x: 1}\nmine: {<<: *b, x: 2}",  # it replaces what it is merged with
        "one: &a {x: 1}\ntwo: &b {y: 1}\nboth:\n  <<: *a\n  <<: *b",
        '1: a\n"1": b',  # a number and a text
        "a: &a [1, *a]",
    ],
)
def test_other_keys_are_not(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    files.check_keys(tmp_path / "mine.yaml")


def test_no_yaml_of_the_project_has_a_key_twice(root):
    folders = ("config", "profiles", "resources/benchmarks", "benchmarks", "report", "tests")
    paths = [path for name in folders for path in (root / name).glob("**/*.yaml")]
    assert len(paths) > 40
    for path in paths:
        files.check_keys(path)
