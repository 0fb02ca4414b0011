"""Costs of a config, compared with counting, with the code that runs, and by hand."""

import itertools

import pandas as pd
import pytest
import yaml
from cost_configs import STAGES, config, found, only
from PIL import Image

from diffusion_classifier.data.prompt_sets import (
    from_class_list,
    from_templates,
    read_prompts,
    with_unconditional,
)
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.operations.costs import estimate, evaluations_per_image, render
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.selection.schedules import stage_samples


@pytest.fixture(scope="module")
def paper(root):
    return yaml.safe_load((root / "config/paper.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("stages", "classes", "prompts"),
    [
        ({"samples": [25, 250], "keep": [5, 1]}, 10, 1),
        ({"samples": [8, 40], "keep": [3, 1], "grid": 200}, 2, 3),
        ({"samples": [50, 100, 500], "keep": [500, 50, 1], "trials": 2}, 1000, 1),
    ],
)
def test_evaluations_are_those_of_going_through_the_stages(stages, classes, prompts):
    samples = stage_samples(stages["samples"], stages.get("trials", 1), stages.get("grid"))
    pairs, counted = list(itertools.product(range(classes), range(prompts))), 0
    for new, keep in zip(samples, stages["keep"], strict=True):
        counted += sum(1 for _ in pairs for _ in new)
        pairs = [pair for pair in pairs if pair[0] < keep]
    assert evaluations_per_image(stages, classes, prompts) == counted


def test_the_papers_schedules_cost_what_they_cost(paper):
    costs = estimate(paper)
    # by hand: classes × new samples, stage by stage; none of the later timesteps is an earlier one
    # but in the last stage
    assert found(costs, "sd-2-0", "cifar10").per_image == 10 * 50 + 5 * 450
    by_stage = 1000 * 50 + 500 * 100 + 50 * 400 + 10 * 450
    assert found(costs, "sd-2-0", "imagenet").per_image == by_stage
    assert found(costs, "dit-256", "imagenet-1k").per_image == 1000 * 250
    assert found(costs, "dit-256", "imagenet-a").per_image == 200 * 250
    # 113 classes are 125 of ImageNet's, which are the model's conditions
    assert found(costs, "dit-256", "objectnet-113").per_image == pytest.approx(125 * 250)
    winoground = found(costs, "sd-2-0-exhaustive", "winoground")
    assert winoground.evaluations == 400 * 2 * 3 * 1000  # two captions and no text
    assert found(costs, "sd-2-0", "cifar10").hours == pytest.approx(10000 * 2750 / 92 / 3600)


# --- images and prompts


def folder_of_images(path):
    for number, name in enumerate("abcabca"):
        (path / name).mkdir(exist_ok=True)
        Image.new("L", (8, 8), 30 * number).save(path / name / f"{number}.png")
    return {"source": "folder", "path": str(path), "prompts": "digits"}


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"limit": 3},
        {"skip": 3},
        {"skip": 2, "limit": 4},
        {"indices": [5, 0]},
        {"copies": 2, "shift": {"kind": "noise", "sigma": 0.1}},
    ],
    ids=str,
)
def test_images_are_as_many_as_the_data_set_gets(tmp_path, choice):
    spec = folder_of_images(tmp_path) | choice
    built = dataset({key: value for key, value in spec.items() if key != "prompts"})
    assert only(config(datasets={"mnist": spec})).images == len(built)


def test_a_file_of_positions_is_counted(tmp_path):
    spec = {"source": "mnist", "copies": 10, "shift": {}, "prompts": "digits"}
    found = {}
    for name, text in (("good", "7\n5\n1200\n"), ("bad", "7\nseven\n")):
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        found[name] = only(config(datasets={"mnist": {**spec, "indices": str(path)}})).images
    assert found == {"good": 3, "bad": None}


def test_sets_that_are_not_opened_have_their_known_size():
    def images(**spec):
        return only(config(datasets={"mnist": {"prompts": "digits", **spec}})).images

    assert images(source="uci-digits", skip=97) == 1700
    assert images(source="uci-digits", copies=3, shift={}) == 3 * 1797
    assert images(source="imagenet", path="nowhere") == 50000
    assert images(source="imagenet", path="nowhere", indices=[1, 2]) == 2
    assert images(source="winoground", dataset="facebook/winoground") == 2 * 400
    assert images(source="winoground", file="own.parquet") is None
    assert images(source="imagenet", path="nowhere", classes="objectnet-imagenet") is None


PROMPTS = {
    "several templates": {"classes": ["a", "b", "c"], "templates": ["{}", "a {}"]},
    "unconditional": {"classes": ["a", "b"], "templates": ["{}"], "unconditional": True},
    "a class list of several rows a class": {
        "classes": "objectnet-imagenet",
        "templates": ["{}", "a {}"],
    },
}


@pytest.mark.parametrize("spec", PROMPTS.values(), ids=PROMPTS)
def test_prompts_are_the_pairs_of_an_image(spec):
    listed = isinstance(spec["classes"], list)
    made = (from_templates if listed else from_class_list)(spec["classes"], spec["templates"])
    made = with_unconditional(made) if spec.get("unconditional") else made
    pairs = candidates(pd.DataFrame({"image": [0], "label": [0]}), made)
    assert only(config(prompts={"digits": spec})).prompts == pytest.approx(len(pairs))


def test_prompts_of_a_file_are_the_pairs_of_an_image(tmp_path):
    path = tmp_path / "prompts.csv"
    rows = '"a, b",x,0\nc,x,0\nd,y,1\n,,2\n'  # the last is the unconditional one
    path.write_text(f"\ufeffprompt,classname,classidx\n{rows}", encoding="utf-8")
    pairs = candidates(pd.DataFrame({"image": [0], "label": [0]}), read_prompts(path))
    cost = only(config(prompts={"digits": {"file": str(path)}}))
    assert cost.prompts == len(pairs) == 3
    assert cost.per_image == 3 * 5 + 3 * 15  # both classes are kept


def test_captions_are_as_many_as_the_classes_of_their_data_set(tmp_path):
    def prompts(spec, **more):
        datasets = {"of": spec}
        return only(
            config(datasets=datasets, prompts={"digits": {"captions": "of"} | more})
        ).prompts

    assert prompts(folder_of_images(tmp_path)) == 3
    assert prompts({"source": "torchvision", "dataset": "OxfordIIITPet"}) == 37
    assert prompts({"source": "huggingface", "dataset": "someone/something"}) is None
    assert prompts({"pool": "mnist", "wrong_by": "x", "limit": 5}) is None


# --- what is counted


def two_tables():
    table = {"datasets": ["mnist"], "methods": ["full"]}
    return config(tables={"accuracy": table, "robustness": table})


def test_what_tables_share_stands_in_both_and_is_counted_once():
    first, second = costs = estimate(two_tables())
    assert (first.counted, second.counted) == (None, "accuracy")
    assert first.evaluations == second.evaluations == 50 * (10 * 5 + 2 * 15)
    text = render(costs)
    assert text.count("sum: 4,000 evaluations in 2 jobs") == 2
    assert "all tables: 4,000 evaluations in 2 jobs" in text
    marked = [line.split()[0] for line in text.splitlines() if "mnist" in line]
    assert marked == ["full", "full*"]
    assert "*:" in text and "*:" not in render([first])


def test_curves_and_trends_are_part_of_a_table():
    single = {"model": "sd", "stages": {"samples": [20], "keep": [1], "loss": "l2"}}
    table = {
        "datasets": ["mnist"],
        "methods": ["full"],
        "curves": {"evaluation": "single", "datasets": ["mnist"]},
        "trend": {"methods": ["full", "other"]},
    }
    evaluations = {"single": single, "other": {"model": "sd-2", "stages": STAGES}}
    costs = estimate(config(evaluations=evaluations, tables={"accuracy": table}))
    assert [cost.method for cost in costs] == ["full", "single", "other"]
    assert found(costs, "single", "mnist").per_image == 10 * 20


def test_jobs_are_stages_times_shards_times_class_parts():
    many = config(
        datasets={"mnist": {"source": "mnist", "limit": 50, "prompts": "digits", "shards": 7}},
        evaluations={"full": {"model": "sd", "stages": STAGES, "class_parts": 3}},
    )
    assert only(many).jobs == 2 * 7 * 3


def with_baselines(guidance=3, **baselines):
    drawn = {"model": "sd", "per_class": 6, "steps": 20, "guidance": guidance, "prompts": "digits"}
    datasets = {
        "drawn": drawn,
        "fitted": {"source": "mnist", "limit": 30},
        "chosen": {"source": "mnist", "limit": 10},
    }
    table = {"datasets": ["mnist"], "methods": ["full", *baselines]}
    return config(datasets=datasets, baselines=baselines, tables={"accuracy": table})


NETWORK = {"kind": "resnet", "tasks": {"digits": {"train": "drawn"}}}


@pytest.mark.parametrize(("guidance", "passes"), [(0, 1), (1, 1), (1.5, 2), (7.5, 2)])
def test_sampling_is_counted_and_guidance_doubles_it(guidance, passes):
    cost = found(estimate(with_baselines(guidance, one=NETWORK)), "sd (sampling)", "drawn")
    assert cost.evaluations == 6 * 10 * 20 * passes


def test_a_set_is_sampled_once_for_all_networks_and_seeds():
    seeded = NETWORK | {"seeds": [0, 1, 2]}
    costs = estimate(with_baselines(one=NETWORK, two=seeded, three={"kind": "vit"} | NETWORK))
    assert [c.dataset for c in costs if "sampling" in c.method] == ["drawn"]
    assert [c.method for c in estimate(with_baselines(seeded=seeded))] == ["full", "sd (sampling)"]


def test_a_filter_may_learn_from_sampled_images():
    hard = {"pool": "fitted", "wrong_by": "filter", "limit": 5, "prompts": "digits"}
    chosen = with_baselines()
    chosen["datasets"]["hard"] = hard
    chosen["baselines"]["filter"] = NETWORK
    chosen["tables"]["accuracy"]["datasets"] = ["hard"]
    assert found(estimate(chosen), "sd (sampling)", "drawn")


def test_features_are_of_all_timesteps_to_fit_and_of_one_to_predict():
    probe = {"kind": "probe", "model": "sd", "timesteps": [20, 100, 300]} | {
        "tasks": {"digits": {"train": "fitted", "validation": "chosen"}, "unused": {"train": "no"}}
    }
    costs = [c for c in estimate(with_baselines(probe=probe)) if c.method == "probe"]
    assert {c.dataset: c.evaluations for c in costs} == {
        "fitted": 30 * 3,
        "chosen": 10 * 3,
        "mnist": 50,
    }
    (line,) = (line for line in render(costs).splitlines() if "3 sets" in line)
    assert line.split()[3:6] == ["90", "1.9", "170"]  # images, passes of an image, evaluations


def test_what_has_no_rate_of_its_own_takes_that_of_its_model():
    rated = with_baselines(one=NETWORK)
    rated["evaluations"]["other"] = {"model": "sd", "stages": STAGES, "rate": 0.5}
    costs = estimate(rated)
    assert found(costs, "full", "mnist").rate is None
    assert found(costs, "sd (sampling)", "drawn").hours == pytest.approx(2400 / 0.5 / 3600)
