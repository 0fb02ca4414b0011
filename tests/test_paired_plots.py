"""The figure of paired comparisons."""

import pandas as pd

from diffusion_classifier.tables.figures import plots


def test_paired_plot_shows_each_difference_and_whether_it_is_clear():
    paired = pd.DataFrame(
        {
            "dataset": ["digits", "digits"],
            "method_b": ["cnn", "mlp"],
            "difference": [1.0, -4.0],
            "low": [-1.0, -6.0],
            "high": [3.0, -2.0],
        }
    )
    (ax,) = plots.paired_plot(paired, {"mlp": "MLP"}, {"digits": "Digits"}, "title").axes
    drawn = {
        float(line.get_xdata()[0]): line.get_markerfacecolor() != "white"
        for line in ax.lines
        if line.get_marker() == "o"
    }
    assert drawn == {1.0: False, -4.0: True}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["MLP", "cnn"]
