"""Tables of matching tasks and effect sizes, against other formulas and scipy."""

import numpy as np
import pandas as pd
import pytest
from matching_items import METHODS, biased, data_of, prompts_of
from scipy import stats

from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import (
    pictures_of,
)
from diffusion_classifier.scores import effects, matching_metrics, matching_tables
from diffusion_classifier.scores.compositional import chance_similarities

MEANS = (matching_tables.MICRO, matching_tables.MACRO)


@pytest.fixture(scope="module")
def answered():
    items = [
        Item(f"task {n % 3}", (Picture(f"{n}"),), tuple(f"{n} {c}" for c in range(2 + n % 3)), 0)
        for n in range(90)
        if n % 3 or n % 2  # subtasks of different sizes
    ]
    data, _ = data_of(items)
    sets = {"mine": (data, prompts_of(data, free=False))}
    found = {}
    for number, name in enumerate(METHODS):
        similarity = chance_similarities(*sets["mine"], number)
        similarity["evaluations"] = 4.0
        if name == "sd":
            last = similarity.assign(loss="l2", score=-similarity["prompt"].astype(float))
            similarity = pd.concat([similarity.assign(loss="l1"), last], ignore_index=True)
        found[name, "mine"] = similarity
    return matching_tables.decide_all(found, sets)


def test_means_over_items_and_over_subtasks(answered):
    rows = matching_tables.score_table(METHODS, *answered, "t")
    decisions = answered[0]
    own = decisions[(decisions["name"] == "sd") & (decisions["loss"] == "l1")]
    found = rows[rows["method"] == "SD [L1]"].set_index("subtask")
    each = own.groupby("subtask")["correct"].mean()
    assert list(found.index) == ["task 1", "task 2", "task 0", *MEANS]  # the order of the data
    for subtask, value in each.items():
        assert found.loc[subtask, "value"] == pytest.approx(100 * value)
        right, count = own.loc[own["subtask"] == subtask, "correct"].agg(["sum", "size"])
        low, high = stats.binomtest(int(right), int(count)).proportion_ci(method="wilson")
        assert found.loc[subtask, ["low", "high"]].tolist() == pytest.approx(
            [100 * low, 100 * high]
        )
        k = 2 + int(subtask[-1])
        assert found.loc[subtask, "chance"] == pytest.approx(100 / k)
        assert found.loc[subtask, "evaluations"] == pytest.approx(4 * k)
    assert found.loc[matching_tables.MICRO, "value"] == pytest.approx(100 * own["correct"].mean())
    assert found.loc[matching_tables.MACRO, "value"] == pytest.approx(100 * each.mean())
    assert found.loc[matching_tables.MACRO, "chance"] == pytest.approx(
        100 * np.mean([1 / 2, 1 / 3, 1 / 4])
    )
    assert len(own) != 3 * (own["subtask"] == "task 0").sum()  # so that both means differ


def test_trainings_are_averaged_and_seeds_pooled(answered):
    rows = matching_tables.score_table(METHODS, *answered, "t")
    decisions = answered[0]
    for label in ("CLIP", "Chance"):
        names = [name for name in METHODS if METHODS[name]["label"] == label]
        own = decisions[decisions["name"].isin(names)]
        found = rows[(rows["method"] == label) & (rows["subtask"] == matching_tables.MICRO)]
        (row,) = found.itertuples()
        values = own.groupby("name")["correct"].mean() * 100
        assert row.value == pytest.approx(values.mean()) and row.trainings == 2
        assert (row.least, row.most) == pytest.approx((values.min(), values.max()))
        if label == "Chance":
            wilson = stats.binomtest(int(own["correct"].sum()), len(own))
            expected = wilson.proportion_ci(method="wilson")
            assert (row.low, row.high) == pytest.approx([100 * bound for bound in expected])


def test_differences_are_mcnemars(answered):
    decisions = answered[0]
    methods = {name: METHODS[name] for name in ("sd", "clip-seed0")}
    paired = matching_tables.paired_table(methods, decisions)
    assert len(paired) == 2 * 4  # losses, and subtasks with all items
    (row,) = paired[(paired["loss"] == "l1") & (paired["subtask"] == "task 1")].itertuples()
    own = decisions[(decisions["subtask"] == "task 1") & decisions["loss"].isin(["l1", ""])]
    wide = own[own["name"].isin(methods)].pivot(index="unit", columns="name", values="correct")
    only_a = int((wide["sd"] & ~wide["clip-seed0"].astype(bool)).sum())
    apart = int((wide["sd"] != wide["clip-seed0"]).sum())
    assert (row.b, row.b + row.c) == (only_a, apart)
    assert row.p == pytest.approx(stats.binomtest(only_a, apart).pvalue)
    assert row.difference == pytest.approx(100 * (wide["sd"].mean() - wide["clip-seed0"].mean()))


def test_the_export_has_the_columns_that_verify_reads(answered):
    from diffusion_classifier.operations.expected import KEYS
    from diffusion_classifier.scores.accuracy import LONG

    rows = matching_tables.score_table(METHODS, *answered, "t")
    found = matching_tables.long_form(rows)
    assert list(found) == [*LONG, "chance"] and not found.duplicated(KEYS).any()
    assert "mine/task 0" in set(found["dataset"])


# --- effect sizes


def test_effect_sizes_are_those_of_the_formula():
    items, data, prompts, similarity = biased()
    score = similarity.pivot(index="image", columns="prompt", values="score").to_numpy()
    phi = score[:, :2].mean(axis=1) - score[:, 2:].mean(axis=1)
    names = np.array([picture.path[0] for picture in pictures_of(items)])
    found = effects.associations(similarity, data, prompts, "here")
    methods = {"sd": METHODS["sd"]}
    table = effects.effect_table(methods, {("sd", "bias"): found}, "t").set_index("subtask")
    for other in ("Y", "Z"):
        x, y = phi[names == "X"], phi[names == other]
        expected = (x.mean() - y.mean()) / np.concatenate([x, y]).std()
        row = table.loc[f"X - {other}"]
        assert row["value"] == pytest.approx(expected)
        assert row["low"] < expected < row["high"] and row["images"] == 28

        def statistic(x, y):
            return (x.mean() - y.mean()) / np.concatenate([x, y]).std()

        rng = np.random.default_rng(1)
        theirs = stats.bootstrap((x, y), statistic, method="percentile", vectorized=False,
                                 n_resamples=2000, rng=rng).confidence_interval  # fmt: skip
        assert row[["low", "high"]].tolist() == pytest.approx([theirs.low, theirs.high], abs=0.12)
        tested = stats.permutation_test((x, y), statistic, n_resamples=2000, rng=rng)
        assert row["p"] == pytest.approx(tested.pvalue, abs=0.04)
    assert table.loc["X - Y", "high"] < 0 and table.loc["X - Y", "p"] < 0.01
    # an item without a right caption is in no other score
    assert matching_metrics.decide(similarity, data, prompts, "here").empty
