"""Confusion matrices and the most confused pairs, against scikit-learn and by hand."""

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.tables.figures import accuracy_plots
from diffusion_classifier.tables.figures.confusions import (
    MANY,
    class_names,
    confusion,
    drawn_classes,
    most_confused,
)


def random(classes, images=600, among=None, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.choice(range(classes) if among is None else among, images)
    prediction = np.where(rng.random(images) < 0.5, label, rng.integers(0, classes, images))
    return pd.DataFrame({"label": label, "prediction": prediction})


def test_confusion_is_sklearns_without_the_empty_rows():
    present = [1, 4, 5, 7]
    found = random(9, among=present)
    table = confusion(found, range(9))
    expected = confusion_matrix(
        found["label"], found["prediction"], labels=range(9), normalize="true"
    )
    np.testing.assert_allclose(table, 100 * expected[present])
    assert list(table.index) == present and list(table.columns) == list(range(9))


def test_confusion_of_some_classes_is_a_part_of_the_whole():
    found = random(9)
    some = [7, 2, 3]
    pd.testing.assert_frame_equal(
        confusion(found, some), confusion(found, range(9)).loc[some, some], check_names=False
    )


def test_most_confused_are_counted_and_ordered():
    found = pd.DataFrame(
        {"label": [0, 0, 0, 0, 1, 1, 2, 2], "prediction": [1, 1, 2, 0, 0, 1, 1, 2]}
    )
    table = most_confused(found, ["a", "b", "c"], top=3)
    assert table.to_dict("split")["data"] == [
        ["a", "b", 2, 50.0], ["a", "c", 1, 25.0], ["b", "a", 1, 50.0]
    ]  # fmt: skip
    assert len(most_confused(found[found["label"] == found["prediction"]], "abc")) == 0


def test_most_confused_are_the_largest_of_sklearns_counts():
    found = random(30, images=3000)
    counts = confusion_matrix(found["label"], found["prediction"], labels=range(30))
    np.fill_diagonal(counts, 0)
    table = most_confused(found, [str(n) for n in range(30)])
    assert table["count"].tolist() == sorted(counts.ravel(), reverse=True)[:10]
    for row in table.itertuples():
        assert counts[int(row.true), int(row.predicted)] == row.count
        assert row.share == 100 * row.count / (found["label"] == int(row.true)).sum()


def test_few_classes_are_all_drawn_and_many_by_their_errors():
    assert drawn_classes(random(MANY), MANY) == list(range(MANY))
    found = pd.DataFrame({"label": np.arange(200) % 100, "prediction": np.arange(200) % 100})
    assert drawn_classes(found, 100) == list(range(MANY))  # nothing is confused
    found.loc[[77, 177], "prediction"] = 3
    found.loc[50, "prediction"] = 3
    assert drawn_classes(found, 100) == [3, 50, 77]
    assert drawn_classes(found, 100, most=2) == [3, 77]  # the pair that was confused twice
    assert len(drawn_classes(random(100, 5000), 100)) <= MANY


def test_the_plot_draws_some_of_many_classes_and_says_so():
    names = ["crane", "crane", *(f"class {n}" for n in range(98))]  # ImageNet has two cranes
    found = {"Many": random(100, 2000), "Few": random(3)}
    classes = {"Many": names, "Few": ["a", "b", "c"]}
    figure = accuracy_plots.confusion_plot(found, classes, "title")
    many, few = figure.axes[:2]
    shown = drawn_classes(found["Many"], 100)
    assert many.get_title(loc="left") == f"Many: the {len(shown)} most confused of 100 classes"
    assert [text.get_text() for text in many.get_xticklabels()] == [names[i] for i in shown]
    assert [patch.get_xy() for patch in many.patches] == [(i, i) for i in range(len(shown))]
    assert few.get_title(loc="left") == "Few"
    assert [text.get_text() for text in few.get_yticklabels()] == ["a", "b", "c"]


def test_class_names_are_in_the_order_of_their_index():
    prompts = from_templates(["b", "a"], ["a {}", "one {}"]).sample(frac=1, random_state=1)
    assert class_names(prompts) == ["b", "a"]
