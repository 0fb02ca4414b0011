"""What a config will cost: against counting one by one, and by hand."""

import copy
import itertools

import pytest
import yaml

from diffusion_classifier.costs import Cost, estimate, evaluations_per_image, render
from diffusion_classifier.schedules import stage_samples


@pytest.fixture(scope="module")
def config(root):
    return yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def paper(root):
    return yaml.safe_load((root / "config/paper.yaml").read_text(encoding="utf-8"))


def found(costs, method, dataset):
    (cost,) = (c for c in costs if (c.method, c.dataset) == (method, dataset))
    return cost


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
    # 113 classes are 125 of ImageNet's, and it is those that the model is told
    assert found(costs, "dit-256", "objectnet-113").per_image == pytest.approx(125 * 250)
    winoground = found(costs, "sd-2-0-exhaustive", "winoground")
    assert winoground.evaluations == 400 * 2 * 3 * 1000  # two captions and no text
    assert found(costs, "sd-2-0", "cifar10").hours == pytest.approx(10000 * 2750 / 92 / 3600)


def test_what_tables_share_is_counted_once(config):
    costs = estimate(config)
    keys = [(cost.method, cost.dataset) for cost in costs]
    assert len(keys) == len(set(keys))
    shared = copy.deepcopy(config)
    shared["tables"]["accuracy"]["methods"].append("scenes-exhaustive")
    more = [c for c in estimate(shared) if (c.method, c.dataset) not in keys]
    assert {c.dataset for c in more} == {"sizes", "seen", "unseen", "shifted"}  # the others: curves


def test_sampled_images_and_features_are_counted(config):
    costs = {c.method: c for c in estimate(config) if c.method in ("synthetic", "sd-features")}
    images = 60 * 6 + 60 * 6 + 120 * 2 + 20 * 36
    assert costs["synthetic"].evaluations == pytest.approx(images * 20 * 2)  # guided: twice
    trained, tested = 4 * (1000 + 300), 6 * 300
    assert costs["sd-features"].evaluations == pytest.approx((trained + tested) * 3)


def test_jobs_are_stages_times_shards_times_class_parts(config):
    many = copy.deepcopy(config)
    many["datasets"]["mnist"]["shards"] = 7
    many["evaluations"]["digits"]["class_parts"] = 3
    assert found(estimate(many), "digits", "mnist").jobs == 2 * 7 * 3


def test_what_is_not_known_is_said_not_guessed(config):
    unknown = copy.deepcopy(config)
    unknown["datasets"]["shapes"] = {"label": "S", "source": "folder", "path": "nowhere"} | {
        "prompts": "shapes"
    }
    unknown["evaluations"]["scenes"]["rate"] = 100
    costs = estimate(unknown)
    assert found(costs, "scenes", "shapes").evaluations is None
    assert found(costs, "scenes", "colours").hours == pytest.approx(27000 / 100 / 3600)
    text = render(costs)
    row = next(line for line in text.splitlines() if line.split()[:2] == ["scenes", "shapes"])
    assert row.split()[2] == "?"
    assert "at least" in text.splitlines()[-2]


def test_numbers_can_be_read():
    text = render([Cost("robustness", "dit", "imagenet", 2000, 250000.0, 200, 260.0)])
    assert "500,000,000" in text and "534 h (22 d)" in text and "200 jobs" in text
