"""Another processor gives the same predictions, but for near-ties.

All that classifies runs once on this processor's instructions and once on those of processors of
twenty years ago, as far as the libraries can be told to; each rounds in its own way.
"""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from instruction_sets import IMAGES, NETWORKS, ROOT
from instruction_sets import main as classify_all

NARROW = {
    "ATEN_CPU_CAPABILITY": "default",  # PyTorch's own kernels
    "ONEDNN_MAX_CPU_ISA": "SSE41",  # its convolutions
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",  # its matrix products
    "OPENBLAS_CORETYPE": "Nehalem",  # NumPy's
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
}
ROUNDING = 2e-5
"""The most that a score may differ by, as a share of the largest score of the method."""

NEAR_TIE = 2 * ROUNDING
"""Two scores that are closer than this, as such a share, may change places."""

FEW = IMAGES // 100
"""Images of a method that may be near-ties."""


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What was found on all instructions and on few: `(errors, predictions)` each."""
    wide, narrow = tmp_path_factory.mktemp("wide"), tmp_path_factory.mktemp("narrow")
    classify_all(wide)
    if (wide / "capability.txt").read_text() == "DEFAULT":
        pytest.skip("PyTorch has no other instructions for this processor, or was told not to")
    command = [sys.executable, str(ROOT / "tests" / "instruction_sets.py"), narrow]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **NARROW}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (narrow / "capability.txt").read_text() == "DEFAULT"
    names = ("errors", "predictions")
    return [[pd.read_parquet(out / f"{name}.parquet") for name in names] for out in (wide, narrow)]


def scores(table):
    """Scores `(image, class)` of one method; -inf for the classes that were not asked about."""
    values = np.stack(table["scores"]).astype("float64")
    return np.where(np.isfinite(values), values, -np.inf)


def test_errors_prunes_and_races_are_the_same(both, capsys):
    (wide, _), (narrow, _) = both
    keys = ["method", "stage", "image", "prompt", "timestep", "noise"]
    merged = wide.merge(narrow, on=keys, how="outer", suffixes=("", " narrow"), indicator="side")
    lone = merged.loc[merged["side"] != "both", ["method", "image"]].drop_duplicates()
    with capsys.disabled():
        for row in lone.itertuples(index=False):
            print(f"\n{row.method}, image {row.image}: other classes left", end="")
    assert (lone.groupby("method").size() <= FEW).all()
    shared = merged[merged["side"] == "both"]
    assert set(shared["method"]) == set(wide["method"]) and wide["method"].nunique() == 4
    for loss in ("l1", "l2", "huber", "vlb"):
        found, expected = shared[f"{loss} narrow"], shared[loss]
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-6, equal_nan=True)
    # so the instructions were others, in either family
    differ = (shared["l2"] != shared["l2 narrow"]).groupby(shared["method"]).mean()
    assert (differ > 0.1).all()


def test_predictions_are_the_same_but_for_near_ties(both, capsys):
    (_, wide), (_, narrow) = both
    methods = wide.groupby(["method", "loss"], sort=False)
    assert {"logistic_regression", "k_nearest", "clip", "probe", *NETWORKS} < set(wide["method"])
    other = dict(list(narrow.groupby(["method", "loss"], sort=False)))
    for key, table in methods:
        a, b = scores(table), scores(other[key])
        predictions = table["prediction"].to_numpy(), other[key]["prediction"].to_numpy()
        assert len(a) == IMAGES and len(np.unique(predictions[0])) > 4, key
        scale = np.abs(a[np.isfinite(a)]).max()
        best = np.sort(a, axis=1)[:, -2:]
        margin = (best[:, 1] - best[:, 0]) / scale
        same_classes = (np.isfinite(a) == np.isfinite(b)).all(axis=1)
        near = (margin < NEAR_TIE) | ~same_classes
        with capsys.disabled():
            for row in np.flatnonzero(near):
                found = " or ".join(dict.fromkeys(str(labels[row]) for labels in predictions))
                name = " ".join(key).strip()
                print(f"\n{name}, image {table['image'].iloc[row]}: near-tie, {found}", end="")
        assert near.sum() <= FEW, key
        np.testing.assert_array_equal(predictions[0][~near], predictions[1][~near], str(key))
        known = np.isfinite(a) & np.isfinite(b)
        assert np.abs(a[known] - b[known]).max() <= ROUNDING * scale, key
