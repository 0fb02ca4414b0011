"""Winoground from the hub's cache, in both published forms."""

import json

import pandas as pd
import pytest
from hub_cache import SHA, cifar, error_of, snapshot

from diffusion_classifier.data.sources.hub_data import winoground_from_hub
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.data.sources.winoground import read_winoground
from diffusion_classifier.data.world.compositions import winoground_examples
from diffusion_classifier.messages import InputError

pytestmark = pytest.mark.usefixtures("alone")


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
        message = error_of({"source": "winoground"} | wrong, dataset)
        assert "either `file`, or `dataset` and `revision`" in message


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
