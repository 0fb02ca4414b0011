"""The classes of a prior, compared with loops over random scores; and its config."""

import copy

import numpy as np
import pandas as pd
import pytest
import yaml
from refusals import refused_config

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.config.methods import classified_datasets, questions
from diffusion_classifier.data.prompt_sets import with_unconditional
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.costs import estimate
from diffusion_classifier.selection.prior import best_of_prior, contenders
from diffusion_classifier.tables.texts.ceilings import ceiling, ceiling_table, ceiling_text

CLASS_OF = [0, 0, 1, 2, 2, 2, 3, 4]  # eight prompts, five classes
PROMPTS = pd.DataFrame(
    {"prompt": list("abcdefgh"), "classname": [f"c{i}" for i in CLASS_OF], "classidx": CLASS_OF}
)
DATA = pd.DataFrame({"image": [3, 5, 6, 9], "label": [0, 4, 2, 1]})


def random_predictions(seed, classes=5, missing=0.0, loss=""):
    """Predictions for DATA in another order, with equal scores and missing ones."""
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 4, (len(DATA), classes)).astype("float32")
    scores[generator.random(scores.shape) < missing] = np.nan
    return DATA.assign(loss=loss, scores=list(scores)).sample(frac=1, random_state=seed)


def ranked(scores, classes):
    """Classes by score; equal scores in order; classes without a score at the end."""
    known = [c for c in range(classes) if c < len(scores) and not np.isnan(scores[c])]
    others = [c for c in range(classes) if c not in known]
    return sorted(known, key=lambda c: (-scores[c], c)) + others


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("keep", "known"), [(2, 5), (3, 4), (5, 5), (9, 5), (2, 7)])
def test_the_best_classes_of_every_image_stay(seed, keep, known):
    predictions = random_predictions(seed, known, missing=0.4)
    found = best_of_prior(predictions, "", keep, classes=5)
    assert found.dtypes.eq("int64").all()
    for image, scores in zip(predictions["image"], predictions["scores"], strict=True):
        expected = ranked(scores, 5)[:keep]
        assert found.loc[found["image"] == image, "class"].tolist() == expected


def test_an_evaluations_scores_are_those_of_one_loss():
    right, other = (random_predictions(seed, loss=loss) for seed, loss in ((1, "l1"), (2, "l2")))
    both = pd.concat([other, right])
    pd.testing.assert_frame_equal(best_of_prior(both, "l1", 2, 5), best_of_prior(right, "l1", 2, 5))


@pytest.mark.parametrize("prompts", [PROMPTS, with_unconditional(PROMPTS)], ids=["", "and none"])
def test_pairs_are_all_prompts_of_the_priors_classes(prompts):
    predictions = random_predictions(3)
    pairs = contenders(DATA, prompts, [5, 9], predictions, "", keep=2)
    scores = dict(zip(predictions["image"], predictions["scores"], strict=True))
    expected = [
        (image, prompt)
        for image in (5, 9)
        for prompt in range(8)
        if CLASS_OF[prompt] in ranked(scores[image], 5)[:2]
    ]
    assert list(pairs.itertuples(index=False, name=None)) == expected


def test_without_a_prior_all_classes_are_asked_about():
    pairs = contenders(DATA, PROMPTS, [5, 9])
    assert list(pairs.itertuples(index=False, name=None)) == [
        (image, prompt) for image in (5, 9) for prompt in range(8)
    ]


# --- what it costs in accuracy


def test_the_ceiling_is_the_share_of_images_that_keep_their_class():
    predictions = random_predictions(4)
    pairs = contenders(DATA, PROMPTS, DATA["image"], predictions, "", keep=3)
    kept = sum(
        label in ranked(scores, 5)[:3]
        for label, scores in zip(predictions["label"], predictions["scores"], strict=True)
    )
    found = ceiling(pairs, PROMPTS, DATA)
    assert 0 < kept < 4 and found["value"] == 25 * kept
    assert (found["images"], found["classes"], found["left"]) == (4, 5, 3)
    assert found["low"] < found["value"] < found["high"]
    table = ceiling_table({("DC", "mine"): found})
    (row,) = ceiling_text(table, {"mine": "Mine"}).to_dict("records")
    assert list(row.values())[:3] == ["DC", "Mine", "3 of 5"]
    assert row["ceiling of accuracy (%)"].startswith(f"{25 * kept:.1f} [")


# --- the config


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / "tests" / "tiny_scenes.yaml").read_text(encoding="utf-8"))
    config["evaluations"]["staged"]["prior"] = {"method": "clip", "keep": 3}
    return config


def changed(config, **evaluations):
    """`config` with entries of evaluations changed by keys."""
    config = copy.deepcopy(config)
    for name, keys in evaluations.items():
        config["evaluations"].setdefault(name, copy.deepcopy(config["evaluations"]["staged"]))
        config["evaluations"][name].update(keys)
    return config


def prior(method, keep=3):
    return {"prior": {"method": method, "keep": keep}}


GOOD = {
    "a probe": {"staged": prior("features")},
    "a network": {"staged": prior("synthetic")},
    "guesses": {"staged": prior("chance-seed1")},
    "another evaluation": {"staged": prior("exhaustive")},
    "an evaluation with a prior": {"staged": prior("first"), "first": prior("clip", 5)},
    "more than there are": {"staged": prior("clip", 100)},
}


@pytest.mark.parametrize("evaluations", GOOD.values(), ids=GOOD)
def test_good_priors_pass(config, root, evaluations):
    check_config(changed(config, **evaluations), root)


RACE = {"stages": {"samples": [4], "keep": [1], "loss": "l2", "race": {"z": 2}}, "class_parts": 1}
BAD = {
    "a race": (
        {"staged": prior("first"), "first": prior("clip") | RACE},
        ["evaluations.staged.prior.method: ", "`first`, which is a race", "another"],
    ),
    "more than another evaluation's last stage has": (
        {"staged": prior("first", 4), "first": prior("clip")},
        ["evaluations.staged.prior.keep: ", "found 4", "at most 3", "first.stages.keep", "lower"],
    ),
    "more than another evaluation's prior leaves": (
        {
            "staged": prior("first", 5),
            "first": prior("clip", 4) | {"stages": {"samples": [4], "keep": [1], "loss": "l2"}},
        },
        ["evaluations.staged.prior.keep: ", "found 5", "at most 4", "first.prior.keep", "lower"],
    ),
    "an unknown method": (
        {"staged": prior("clop")},
        ["evaluations.staged.prior.method: ", "unknown method `clop`", "did you mean `clip`?"],
    ),
    "a baseline without its seed": (
        {"staged": prior("chance")},
        ["evaluations.staged.prior.method: ", "`chance`", "`chance-seed0`"],
    ),
    "itself": ({"staged": prior("staged")}, ["prior.method: ", "staged ← staged", "a circle"]),
    "itself through another": (
        {"staged": prior("other"), "other": prior("staged")},
        ["prior.method: ", "staged ← other ← staged", "another method", "choose one"],
    ),
    "of one class": ({"staged": prior("clip", 1)}, ["prior.keep: ", "found 1", "at least 2"]),
    "fewer than a stage keeps": (
        {"staged": prior("clip", 2)},
        ["prior.keep: ", "found 2", "at least 3", "evaluations.staged.stages.keep", "raise it"],
    ),
    "fewer than a stage of a data set keeps": (
        {"staged": {"stages_for": {"sizes": {"samples": [2, 4], "keep": [4, 1], "loss": "l1"}}}},
        ["prior.keep: ", "found 3", "at least 4", "evaluations.staged.stages_for.sizes.keep"],
    ),
}


@pytest.mark.parametrize(("evaluations", "message"), BAD.values(), ids=BAD)
def test_bad_priors_are_refused(config, root, evaluations, message):
    refused_config(changed(config, **evaluations), root, *message)


def test_images_with_captions_of_their_own_have_no_prior(config, root):
    del config["tables"]["accuracy"]["curves"]
    message = ["`winoground`", "captions of their own", "leave it out"]
    exhaustive = changed(config, exhaustive=prior("clip"))
    refused_config(exhaustive, root, "evaluations.exhaustive.prior: ", *message)
    del config["tables"]["winoground"]
    config["tables"]["accuracy"]["datasets"].append("winoground")
    for name in ("synthetic", "features", "neighbours"):
        config["tables"]["accuracy"]["methods"].remove(name)
    refused_config(config, root, "evaluations.staged.prior: ", *message)


def test_curves_need_all_classes(config, root):
    del config["tables"]["winoground"]
    config = changed(config, exhaustive=prior("clip"))
    refused_config(
        config, root, "curves.evaluation: ", "`exhaustive` with a `prior`", "all classes"
    )


@pytest.mark.parametrize("method", ["features", "neighbours", "synthetic"])
def test_a_baseline_that_is_only_a_prior_needs_all_tasks_too(config, root, method):
    config = changed(config, staged=prior(method))
    config["tables"]["accuracy"]["methods"].remove(method)
    check_config(config, root)
    assert classified_datasets(config, method) == ["shapes", "sizes"]
    del config["baselines"][method]["tasks"]["sizes"]
    message = [f"baselines.{method}.tasks: ", "evaluations.staged.prior", "`sizes`", "is missing"]
    refused_config(config, root, *message)


# --- what it costs in evaluations


def test_fewer_classes_cost_less_and_the_prior_is_counted(config):
    config = changed(config, staged=prior("first", 4), first=prior("clip", 5))
    config["evaluations"]["first"]["stages"] = {"samples": [2], "keep": [1], "loss": "l2"}
    by = {(c.method, c.dataset): c for c in estimate(config)}
    # two prompts a class; the last stage's four timesteps are all new
    assert by["staged", "shapes"].per_image == 2 * (4 * 2 + 3 * 4)
    assert by["first", "shapes"].per_image == 2 * 5 * 2
    assert by["staged", "sizes"].per_image == 2 * 2 + 2 * 4  # there are only two sizes
    assert ("first", "sizes") in questions(config, "accuracy")


def test_a_probe_that_is_only_a_prior_is_counted(config):
    config = changed(config, staged=prior("features"))
    before = [c for c in estimate(config) if c.method == "features"]
    config["tables"]["accuracy"]["methods"].remove("features")
    assert [c for c in estimate(config) if c.method == "features"] == before != []


def test_with_a_risk_the_classes_near_the_best_stay():
    """The threshold is the least that keeps enough true classes of the calibration images."""
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(60, 5)).astype("float32")
    labels = np.where(generator.random(60) < 0.8, scores.argmax(axis=1), scores.argmin(axis=1))
    known = pd.DataFrame({"image": range(60), "label": labels, "loss": "", "scores": list(scores)})
    behind = scores.max(axis=1) - scores[range(60), labels]
    near = min(t for t in behind if (behind <= t).sum() >= 61 * 0.9)
    predictions = random_predictions(4)
    found = contenders(
        DATA,
        PROMPTS,
        DATA["image"],
        predictions,
        keep=3,
        risk=0.1,
        calibration=[known[:30], known[30:]],
    )  # fmt: skip
    expected = set()
    for image, values in zip(predictions["image"], predictions["scores"], strict=True):
        stays = [c for c in ranked(values, 5)[:3] if max(values) - values[c] <= near]
        expected |= {(image, prompt) for prompt in range(8) if CLASS_OF[prompt] in stays}
    assert {*found.itertuples(index=False, name=None)} == expected


def test_a_prior_with_a_risk_classifies_the_calibration_images(root):
    config = yaml.safe_load((root / "config.yaml").read_text())
    prior = {"method": "clip", "keep": 4, "risk": 0.05, "calibration": {"shapes": "shapes-train"}}
    config["evaluations"]["scenes"]["prior"] = prior
    config["tables"] = {
        "only": {"kind": "accuracy", "datasets": ["shapes"], "methods": ["scenes", "chance"]}
    }
    with pytest.raises(InputError, match=r"calibration.shapes: .*write `prompts: shapes` in it"):
        check_config(copy.deepcopy(config), root)
    config["datasets"]["shapes-train"]["prompts"] = "shapes"
    check_config(config, root)
    assert classified_datasets(config, "clip-seed0") == ["shapes", "shapes-train"]
