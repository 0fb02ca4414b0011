"""Policies: the t-test rule compared with SciPy's, tables with counting by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from diffusion_classifier.benchmarks.policies import (
    COLUMNS,
    PairedTTest,
    comparison_table,
    policy_table,
)


@pytest.mark.parametrize("cutoff", [0.002, 0.05, 0.5])
def test_a_class_leaves_by_scipys_paired_t_test(cutoff):
    generator = np.random.default_rng(0)
    errors = generator.normal(size=(1, 25)) + generator.normal(0, 0.3, (40, 25))
    errors += np.linspace(0, 0.5, 40)[:, None]
    best = errors.mean(axis=1).argmin()
    expected = [stats.ttest_rel(row, errors[best]).pvalue >= cutoff for row in errors]
    expected[best] = True
    stays = PairedTTest(cutoff)(errors, np.ones(25))
    assert stays.tolist() == expected and 1 < stays.sum() < 40


def test_equal_classes_both_stay():
    worse = np.arange(5.0) + np.array([1, 1, 1, 1, 1.01])
    errors = np.stack([np.arange(5.0), np.arange(5.0), worse])
    assert PairedTTest(0.01)(errors, np.ones(5)).tolist() == [True, True, False]


def predictions(right: list[int], evaluations: float) -> pd.DataFrame:
    label = np.arange(100) % 10
    found = np.where(np.isin(range(100), right), label, label + 1)
    columns = {"image": range(100), "label": label, "prediction": found}
    return pd.DataFrame({**columns, "evaluations": evaluations})


def test_tables_are_those_of_counting():
    first, second = predictions(list(range(90)), 1375.0), predictions(list(range(5, 93)), 55.0)
    found = {"digits": {"paper": first, "race": second}}
    table = policy_table(found)
    assert list(table.columns) == COLUMNS
    assert table["top1"].tolist() == [90.0, 88.0]
    assert table["evaluations_per_image"].tolist() == [1375.0, 55.0]
    low, high = stats.binomtest(88, 100).proportion_ci(method="wilson")
    assert table[["low", "high"]].iloc[1].tolist() == pytest.approx([100 * low, 100 * high])
    row = comparison_table(found).iloc[0]
    assert row["policy"] == "race" and row["times_fewer"] == pytest.approx(25)
    assert row["difference"] == pytest.approx(-2) and row["low"] < -2 < row["high"]
    assert row["p"] == pytest.approx(stats.binomtest(3, 8).pvalue)  # 3 gained, 5 lost
