"""How cost grows with the number of classes: rows counted by hand, exponents, FLOPs, figures."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex
from scipy import stats

from diffusion_classifier.benchmarks import benchmark_plots, summary
from diffusion_classifier.benchmarks.class_growth import (
    COLUMNS,
    class_exponents,
    class_row,
    model_flops,
)
from diffusion_classifier.denoisers.families import family

FLOPS = {"evaluation": 10.0, "step": 25.0, "step_evaluations": 3}


def predictions(right, images=50, evaluations=30.0):
    label = np.arange(images)
    columns = {"image": label, "label": label, "prediction": np.where(label < right, label, -1)}
    return pd.DataFrame({**columns, "evaluations": evaluations})


def test_a_row_counts_evaluations_flops_and_accuracy():
    row = class_row(predictions(45), 4, FLOPS, {"left": 7.5, "value": 98.0})
    low, high = stats.binomtest(45, 50).proportion_ci(method="wilson")
    assert row["top1"] == 90 and row["evaluations_per_image"] == 30 and row["images"] == 50
    assert (row["low"], row["high"]) == pytest.approx((100 * low, 100 * high))
    assert row["flops_per_image"] == (30 - 4 * 3) * 10 + 4 * 25
    assert (row["left"], row["ceiling"]) == (7.5, 98.0)
    assert np.isnan(class_row(predictions(45), 0, FLOPS, {})["ceiling"])


def table():
    rows = []
    for classes in (6, 36, 216):
        for policy, cost in (("race", 2.0 * classes), ("search", 20 * classes**0.25)):
            row = class_row(predictions(48, evaluations=cost), 0, FLOPS, {})
            rows.append({"dataset": f"c{classes}", "classes": classes, "policy": policy} | row)
    one = {"dataset": "c36", "classes": 36, "policy": "once"}
    return pd.DataFrame([*rows, one | class_row(predictions(40), 0, FLOPS, {})])[COLUMNS]


def test_exponents_of_known_growth():
    found = class_exponents(table()).set_index("policy")["exponent"]
    assert found["race"] == pytest.approx(1) and found["search"] == pytest.approx(0.25)
    assert list(found.index) == ["race", "search"]  # `once` has a single number of classes


def test_the_figure_shows_cost_and_accuracy():
    drawn = benchmark_plots.classes_plot(table(), class_exponents(table()))
    cost, accuracy = drawn.axes
    assert cost.get_xscale() == cost.get_yscale() == accuracy.get_xscale() == "log"
    lines = {line.get_label(): line for line in cost.get_lines()}
    assert lines["race: exponent 1.00"].get_ydata().tolist() == [12, 72, 432]
    assert {"search: exponent 0.25", "once"} <= {*lines}
    colours = [to_hex(line.get_color()) for line in lines.values()]
    assert len(set(colours)) == len(colours)
    text = summary.class_table(table())
    assert text.iloc[0].tolist()[:4] == ["6", "race", 50, "12.0"]
    assert text["ceiling (%)"].tolist() == [""] * 7


def test_flops_of_a_step_are_those_of_the_network_there_and_back(root):
    """At least a forward pass more than an evaluation, and less than the three it counts as."""
    folder = str(root / "resources/models/digits-dit")
    denoiser = family("dit").load(folder, torch.device("cpu"), torch.float32)
    found = model_flops(denoiser, {"class_labels": torch.arange(10)}, (1, 16, 16))
    assert found["step_evaluations"] == 3
    assert 1.5 < found["step"] / found["evaluation"] < 3
