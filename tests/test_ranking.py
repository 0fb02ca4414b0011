"""The ranking of an image's classes: posteriors, differences, standard errors."""

import numpy as np
import pandas as pd
import pytest

from diffusion_classifier.cli.ranking import class_labels, ranking
from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.scores.calibration import Calibration
from diffusion_classifier.selection.pruning import class_errors, mean_errors, survivors


def random_stages(seed=0, sizes=(3, 5), kept=2, classes=(0, 1, 2, 4)):
    """Two stages of random errors of 2 images; `kept` classes are in the second."""
    generator = np.random.default_rng(seed)
    class_of = np.array(classes)
    pairs = pd.DataFrame([(i, p) for i in (0, 1) for p in range(len(classes))])
    pairs.columns = ["image", "prompt"]
    stages, start = [], 0
    for size in sizes:
        samples = [Sample(100 * n, n) for n in range(start, start + size)]
        values = generator.normal(1, 0.05, (len(pairs), size)).astype("float32")
        stages.append(error_dataset({"l2": values}, pairs, samples, {"seconds": 1.0}))
        pairs = survivors(stages, pairs, class_of, kept, "l2")
        start += size
    return stages, class_of


def looked_up(stages, image, prompt):
    """The errors of one pair in all of its stages."""
    found = [
        stage["l2"].values[(stage["image"].values == image) & (stage["prompt"].values == prompt)]
        for stage in stages
    ]
    return np.concatenate([row.ravel() for row in found]).astype("float64")


def test_the_posterior_is_the_softmax_of_the_error_over_all_dimensions():
    """Two classes: p = 1 / (1 + exp(-D · difference)), a logistic function."""
    pairs = pd.DataFrame({"image": [0, 0], "prompt": [0, 1]})
    values = {"l2": np.array([[0.5, 0.7], [0.25, 0.75]])}
    stage = error_dataset(values, pairs, [Sample(0, 0), Sample(1, 1)], {"seconds": 1.0})
    table = ranking([stage], np.array([0, 1]), "l2", Calibration(10))
    assert table["class"].tolist() == [1, 0]
    assert table["posterior"][0] == pytest.approx(1 / (1 + np.exp(-10 * 0.1)))
    assert table["difference"].tolist() == pytest.approx([0, 0.1])
    assert table["standard_error"].tolist() == pytest.approx([0, 0.15])  # of 0.25 and -0.05


def test_posteriors_add_up_to_one_and_do_not_overflow():
    stages, class_of = random_stages()
    for dimensions in (1, 64, 10**9):
        table = ranking(stages, class_of, "l2", Calibration(dimensions))
        assert table.groupby("image")["posterior"].sum().tolist() == pytest.approx([1, 1])
        assert table["posterior"].between(0, 1).all()


def test_differences_and_their_standard_errors_are_numpys_over_shared_samples():
    stages, class_of = random_stages()
    table = ranking(stages, class_of, "l2", Calibration(10))
    assert table.groupby("image")["samples"].apply(list).tolist() == [[8, 8, 3, 3]] * 2
    for _, rows in table.groupby("image"):
        of_prompt = {label: number for number, label in enumerate(class_of)}
        errors = {
            row["class"]: looked_up(stages, row["image"], of_prompt[row["class"]])
            for _, row in rows.iterrows()
        }
        best = errors[rows["class"].iloc[0]]
        for _, row in rows.iloc[1:].iterrows():
            own = errors[row["class"]]
            paired = own - best[: len(own)]
            assert row["error"] == pytest.approx(own.mean())
            assert row["difference"] == pytest.approx(paired.mean())
            expected = np.std(paired, ddof=1) / np.sqrt(len(paired))
            assert row["standard_error"] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_the_survivor_of_pruning_is_on_top_and_no_difference_is_negative(seed):
    """A pruned class may have a lower mean, over other timesteps."""
    stages, class_of = random_stages(seed, sizes=(2, 6))
    everything = pd.DataFrame(
        {"image": stages[-1]["image"].values, "prompt": stages[-1]["prompt"].values}
    )
    left = survivors(stages, everything, class_of, 1, "l2").set_index("image")["prompt"]
    table = ranking(stages, class_of, "l2", Calibration(10))
    best = table[table["rank"] == 1].set_index("image")["class"]
    assert best.to_dict() == {image: class_of[prompt] for image, prompt in left.items()}
    assert (table["difference"] >= 0).all()


def test_one_sample_has_no_standard_error():
    stages, class_of = random_stages(sizes=(1,))
    assert ranking(stages, class_of, "l2", Calibration(10))["standard_error"].isna().all()


def test_prompts_of_a_class_are_averaged():
    stages, _ = random_stages()
    class_of = np.array([0, 3, 3, 1])
    whole = [stages[0]]
    table = ranking(whole, class_of, "l2", Calibration(10))
    expected = class_errors(mean_errors(whole, "l2"), class_of, "mean")
    found = table.set_index(["image", "class"])["error"].sort_index()
    np.testing.assert_allclose(found, expected.set_index(["image", "class"])["error"].sort_index())
    differences = (looked_up(whole, 0, 1) + looked_up(whole, 0, 2)) / 2 - looked_up(whole, 0, 3)
    rows = table[table["image"] == 0].set_index("class")
    found = rows.loc[3, "difference"] - rows.loc[1, "difference"]
    assert found == pytest.approx(differences.mean())


def test_a_class_is_called_by_its_prompt_or_its_name():
    prompts = from_templates(["cat", "dog"], ["a {}", "one {}"]).iloc[:3]
    assert class_labels(prompts) == {0: "cat (2 prompts)", 1: "a dog"}
