"""Winoground's scores, against plain-Python versions of their definitions."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from diffusion_classifier.engine.error_files import cost, error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores import accuracy as scores
from diffusion_classifier.scores import compositional
from diffusion_classifier.scores.compositional import chance_similarities, example_scores
from diffusion_classifier.selection.candidates import candidates


def prompts_of(data, free=True):
    """Each caption as a class, and the empty prompt."""
    rows = list(zip(data["classname"], data["classname"], data["label"], strict=True))
    rows += [("", "", len(data))] if free else []
    return pd.DataFrame(rows, columns=["prompt", "classname", "classidx"])


def table_of(n, tags=("Object", "Relation", "Both")):
    """A data set table of `n` examples without images."""
    image = np.arange(2 * n)
    return pd.DataFrame(
        {
            "image": image,
            "label": image,
            "classname": [f"caption {i}" for i in image],
            "example": image // 2,
            "tag": [tags[i // 2 % len(tags)] for i in image],
        }
    )


def random_similarities(data, prompts, seed, losses=("l1", "l2"), digits=None):
    generator = np.random.default_rng(seed)
    parts = []
    for loss in losses:
        pairs = candidates(data, prompts)
        score = -generator.random(len(pairs))
        score = score if digits is None else score.round(digits)
        parts.append(pairs.assign(loss=loss, score=score, evaluations=8.0, seconds=0.25))
    return pd.concat(parts, ignore_index=True)


# --- the rendered examples


def definitions(s, u=None):
    """The four decisions of one example; `s[c, i]` and `u[i]` are plain numbers."""
    text = s[0, 0] > s[1, 0] and s[1, 1] > s[0, 1]
    image = s[0, 0] > s[0, 1] and s[1, 1] > s[1, 0]
    calibrated = False
    if u is not None:
        d = {(c, i): s[c, i] - u[i] for c, i in s}
        calibrated = d[0, 0] > d[0, 1] and d[1, 1] > d[1, 0]
    return [text, image, text and image, calibrated]


# one digit gives ties, which never count as right
@pytest.mark.parametrize(("free", "digits"), [(True, None), (False, None), (True, 1)])
def test_scores_are_the_authors_definitions(free, digits):
    data = table_of(150)
    prompts = prompts_of(data, free)
    similarity = random_similarities(data, prompts, seed=5, digits=digits)
    found = example_scores(similarity.sample(frac=1, random_state=1), data, prompts)
    keys = similarity[["loss", "image", "prompt"]].itertuples(index=False, name=None)
    value = dict(zip(keys, similarity["score"], strict=True))
    assert len(found) == 300
    for row in found.itertuples():
        first = 2 * row.example
        s = {(c, i): value[row.loss, first + i, first + c] for c in (0, 1) for i in (0, 1)}
        u = [value[row.loss, first + i, 300] for i in (0, 1)] if free else None
        assert (row.s00, row.s01, row.s10, row.s11) == (s[0, 0], s[0, 1], s[1, 0], s[1, 1])
        assert [row.u0, row.u1] == u if free else np.isnan([row.u0, row.u1]).all()
        assert row.tag == ("Object", "Relation", "Both")[row.example % 3]
        decided = [row.text_score, row.image_score, row.group_score, row.calibrated_image_score]
        assert decided == definitions(s, u)


def test_several_prompts_of_a_caption_count_with_their_mean_and_other_captions_not_at_all():
    data = table_of(6)
    prompts = prompts_of(data)
    doubled = pd.concat([prompts, prompts[:-1].assign(prompt="x")], ignore_index=True)
    similarity = random_similarities(data, prompts, seed=2)
    shifted = similarity[similarity["prompt"] < 12].assign(prompt=lambda rows: rows["prompt"] + 13)
    low = similarity.assign(score=similarity["score"] - 0.25)
    mean = pd.concat([low, shifted.assign(score=shifted["score"] + 0.25)])
    mean.loc[mean["prompt"] == 12, "score"] += 0.25
    alien = pd.DataFrame({"image": [0], "prompt": [5], "loss": ["l1"], "score": [9.0]})
    pd.testing.assert_frame_equal(
        example_scores(pd.concat([mean, alien]), data, doubled),
        example_scores(similarity, data, prompts),
    )


def test_calibration_takes_away_how_hard_an_image_is():
    """A classifier that is right for every image, on images that differ in difficulty."""
    data = table_of(200)
    prompts = prompts_of(data)
    generator = np.random.default_rng(0)
    hardness = generator.normal(0, 50, len(data))
    pairs = candidates(data, prompts)
    gain = np.where(pairs["image"] == pairs["prompt"], 1.0, 0.5)
    gain[pairs["prompt"] == len(data)] = 0
    score = gain - hardness[pairs["image"]]
    found = example_scores(pairs.assign(loss="l2", score=score), data, prompts)
    assert found["text_score"].all() and found["calibrated_image_score"].all()
    assert found["image_score"].mean() < 0.1


def test_chance_levels():
    """1/4, 1/4, 1/6 in closed form; calibrated as the group: two differences of three scores."""
    data = table_of(3000)
    prompts = prompts_of(data)
    similarity = chance_similarities(data, prompts, seed=0)
    assert len(similarity) == 18000
    assert (similarity["evaluations"] == 0).all() and (similarity["loss"] == "").all()
    found = example_scores(similarity, data, prompts)
    expected = {
        "text_score": 1 / 4,
        "image_score": 1 / 4,
        "group_score": 1 / 6,
        "calibrated_image_score": 1 / 6,
    }
    for metric, p in expected.items():
        assert stats.binomtest(int(found[metric].sum()), len(found), p).pvalue > 1e-3, metric
    assert not chance_similarities(data, prompts, 1)["score"].equals(similarity["score"])


def test_without_an_unconditional_prompt_nothing_is_calibrated():
    data = table_of(6)
    prompts = prompts_of(data, free=False)
    found = chance_similarities(data, prompts, seed=0)
    method = {"c": {"label": "Chance", "kind": "chance", "group": "c", "varies": "seed"}}
    scored = compositional.score_table(method, {"c": found}, data, prompts, "t", "set")
    assert set(scored["metric"]) == {"text_score", "image_score", "group_score"}


def test_missing_repeated_and_nan_pairs_are_said():
    data = table_of(4)
    prompts = prompts_of(data)
    similarity = random_similarities(data, prompts, 0, ("l1",))
    unmeasured = similarity.assign(score=similarity["score"].where(similarity.index != 7))
    for bad, message in [
        (similarity.drop(index=7), "example 1"),
        (unmeasured, "example 1"),
        (pd.concat([similarity, similarity[:1]]), "twice"),
    ]:
        with pytest.raises(InputError, match=f"similarities.*{message}"):
            example_scores(bad, data, prompts)


# --- tables


METHODS = {
    "dc": {
        "label": "Diffusion Classifier",
        "kind": "diffusion",
        "group": "Diffusion Classifier",
        "varies": "training",
    },
    "chance-0": {
        "label": "Random chance",
        "kind": "chance",
        "group": "Random chance",
        "varies": "seed",
    },
    "chance-1": {
        "label": "Random chance",
        "kind": "chance",
        "group": "Random chance",
        "varies": "seed",
    },
    "absent": {"label": "CLIP", "kind": "baseline", "group": "CLIP", "varies": "training"},
}


def scored(n=30, tags=("Object", "Relation", "Both")):
    data = table_of(n, tags)
    prompts = prompts_of(data)
    tables = {
        "chance-1": chance_similarities(data, prompts, 1),
        "dc": random_similarities(data, prompts, 0),
        "chance-0": chance_similarities(data, prompts, 0),
    }
    return tables, data, prompts


def test_score_table_counts_examples_by_tag():
    tables, data, prompts = scored()
    rows = compositional.score_table(METHODS, tables, data, prompts, "winoground", "set")
    assert list(rows.columns) == [
        *(*scores.LONG, "loss", "seconds", "name", "kind", "group", "varies"),
    ]
    assert list(rows["name"].unique()) == ["dc", "chance-0", "chance-1"]
    # (two losses + two seeds) x four parts x four metrics
    assert len(rows) == 64 and set(rows["table"]) == {"winoground"}
    found = example_scores(tables["dc"], data, prompts)
    for row in rows[rows["name"] == "dc"].itertuples():
        chosen = found[found["loss"] == row.loss]
        if row.dataset != "average":
            chosen = chosen[chosen["tag"].str.lower() == row.dataset]
        right, n = int(chosen[row.metric].sum()), len(chosen)
        interval = stats.binomtest(right, n).proportion_ci(0.95, method="wilson")
        assert (row.value, row.images, row.trainings) == (pytest.approx(100 * right / n), n, 1)
        assert np.allclose([row.low, row.high], 100 * np.array(interval))
        # two images with two captions and the empty prompt each
        assert (row.evaluations, row.seconds) == (6 * 8, 6 * 0.25)
        assert row.method == f"Diffusion Classifier [{row.loss.upper()}]"
    assert set(rows["dataset"]) == {"object", "relation", "both", "average"}


def test_score_table_leaves_out_tags_there_are_none_of():
    rows = compositional.score_table(METHODS, *scored(4, ("Relation",)), "t", "set")
    assert set(rows["dataset"]) == {"relation", "average"}


def test_score_table_names_method_and_data_set_of_a_mistake():
    tables, data, prompts = scored(4)
    tables["dc"] = tables["dc"].drop(index=0)
    with pytest.raises(InputError, match=r"'Diffusion Classifier' on 'set'.*example 0"):
        compositional.score_table(METHODS, tables, data, prompts, "t", "set")


def test_seeds_of_chance_are_aggregated():
    made = scored(300)
    rows = compositional.score_table(METHODS, *made, "t", "set")
    pooled = scores.aggregate(rows, compositional.correctness(*made))
    assert len(pooled) == 48  # (two losses + chance) x four parts x four metrics
    pooled = pooled.set_index(["group", "dataset", "metric"])
    chance = pooled.loc[("Random chance", "average", "text_score")]
    each = rows[(rows["group"] == "Random chance") & (rows["dataset"] == "average")]
    each = each[each["metric"] == "text_score"]
    assert (chance["trainings"], chance["images"], chance["varies"]) == (2, 300, "seed")
    assert chance["value"] == pytest.approx(each["value"].mean())
    assert chance["low"] < 25 < chance["high"]


def test_similarities_are_minus_mean_errors_with_their_cost():
    data = table_of(3)
    prompts = prompts_of(data)
    pairs = candidates(data, prompts)
    generator = np.random.default_rng(0)
    parts, values = [], {}
    # two stages, the second in two shards of different duration
    for part, samples, seconds in ((pairs, 4, 3.0), (pairs[:9], 2, 9.0), (pairs[9:], 2, 4.5)):
        errors = {loss: generator.random((len(part), samples)) for loss in ("l1", "l2")}
        stage = [Sample(timestep, timestep) for timestep in range(samples)]
        parts.append(error_dataset(errors, part, stage, {"seconds": seconds}))
        for loss, found in errors.items():
            for pair, row in zip(part.itertuples(index=False), found, strict=True):
                values.setdefault((loss, *pair), []).extend(row)
    similarity = compositional.similarities(parts)
    assert list(similarity.columns) == compositional.SIMILARITY
    assert len(similarity) == 2 * len(pairs) and list(similarity["loss"].unique()) == ["l1", "l2"]
    assert similarity["score"].dtype == "float64"
    for row in similarity.itertuples():
        expected = -np.mean(values[row.loss, row.image, row.prompt])
        assert row.score == pytest.approx(expected) and row.evaluations == 6
        assert row.seconds == pytest.approx(3 / 18 + (9 if row.image < 3 else 4.5) / 9)
    by_image = similarity[similarity["loss"] == "l1"].groupby("image")[["evaluations", "seconds"]]
    pd.testing.assert_frame_equal(by_image.sum(), cost(parts)[["evaluations", "seconds"]])
    assert len(example_scores(similarity, data, prompts)) == 6
