"""Winoground's examples as matching tasks: the same items, scores and weights of timesteps."""

import numpy as np
import pandas as pd
import pytest
import yaml
from matching_items import data_of, prompts_of

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import all_questions
from diffusion_classifier.data.matching.items import Item, Picture
from diffusion_classifier.data.matching.stored import memberships
from diffusion_classifier.data.prompt_sets import from_captions, with_unconditional
from diffusion_classifier.data.sources.winoground import winoground_table
from diffusion_classifier.data.world.compositions import winoground_examples
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.scores import compositional, matching_metrics
from diffusion_classifier.scores.compositional import chance_similarities
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.selection.item_draws import item_groups, labelled_items
from diffusion_classifier.selection.weighted_captions import weighted_similarities
from plan import Plan

TABLE = winoground_examples(6)
TABLE = TABLE.assign(  # captions that no other example has
    caption_0=TABLE["caption_0"] + TABLE["id"].astype(str),
    caption_1=TABLE["caption_1"] + TABLE["id"].astype(str),
)


@pytest.fixture
def data():
    return winoground_table(TABLE).drop(columns="bytes")


def prompts(data):
    return with_unconditional(from_captions(data[["label", "classname"]]))


def as_items():
    """The same examples as items of a description."""
    items = [
        Item(
            row.collapsed_tag,
            tuple(Picture(f"{row.id} {k}") for k in (0, 1)),
            (row.caption_0, row.caption_1),
        )
        for row in TABLE.itertuples()
    ]
    return data_of(items)[0]


def test_they_are_items_of_two_images_and_two_captions(data):
    found, expected = memberships(data), memberships(as_items())
    pd.testing.assert_frame_equal(found, expected[list(found)], check_dtype=False)
    lacking = memberships(data[data["image"] != 3])
    assert (lacking["example"] == 1).sum() == 1 and (lacking["images"] == 2).all()


@pytest.mark.parametrize("digits", [None, 1])
def test_their_scores_are_winogrounds(data, digits):
    similarity = chance_similarities(data, prompts(data), seed=1)
    if digits:  # ties
        similarity["score"] = similarity["score"].round(digits)
    expected = compositional.example_scores(similarity, data, prompts(data))
    found = matching_metrics.decide(similarity, data, prompts(data), "here")
    assert set(found["metric"]) == set(compositional.METRICS)
    for metric, rows in found.groupby("metric"):
        own = rows.set_index("unit")["correct"].sort_index()
        assert own.to_dict() == expected.set_index("example")[metric].to_dict(), metric
        assert rows["subtask"].value_counts().to_dict() == dict.fromkeys(
            ("Object", "Relation", "Both"), 6
        )


def test_weights_are_learned_as_from_items(data):
    other = as_items()
    assert item_groups(data)["group"].is_unique
    pairs, rng = candidates(data, prompts(data)), np.random.default_rng(0)
    asked = pairs.sort_values(["image", "prompt"]).to_numpy()
    assert (asked == candidates(other, prompts_of(other)).to_numpy()).all()
    samples = [Sample(t, n) for n, t in enumerate((100, 300, 500))]
    truth = pairs["image"] == pairs["prompt"]
    errors = rng.random((len(pairs), 3)) - 0.3 * truth.to_numpy()[:, None] * [1, 0, -1]
    stages = [error_dataset({"l2": errors.astype("float32")}, pairs, samples, {"seconds": 1.0})]
    found, expected = (
        weighted_similarities(stages, own, each, labelled_items(each, per_class=2, seed=3))
        for each, own in ((data, prompts(data)), (other, prompts_of(other)))
    )
    ((similarity, weights),), ((other_similarity, other_weights),) = found, expected
    pd.testing.assert_frame_equal(similarity, other_similarity)
    pd.testing.assert_frame_equal(weights, other_weights)
    assert similarity["image"].nunique() == 2 * (18 - 3 * 2)
    learned = weights["weight"].to_numpy()
    assert learned[0] > learned[2]  # the first timestep tells captions apart, the last misleads


def test_a_table_of_matching_tasks_may_have_them(root, tmp_path, monkeypatch):
    """With weights of timesteps, and without any evaluation that their own table has not."""
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    own = config["tables"]["winoground"]
    names = [*own["methods"], "matching-weighted"]
    table = {"kind": "matching", "datasets": ["winoground"], "methods": names}
    config["tables"] = {"winoground": own}
    before = yaml.safe_load(yaml.safe_dump(config))
    config["tables"] |= {"weighted": table}
    for each in (before, config):
        check_config(each, root)
    plan = Plan(config, root)
    (job,) = plan.weightings.matching_jobs()
    assert (job.evaluation, job.dataset) == ("scenes-winoground", "winoground")
    assert set(plan.tables.similarities("winoground")) < set(plan.tables.matches("weighted"))
    assert all_questions(config) == all_questions(before)
