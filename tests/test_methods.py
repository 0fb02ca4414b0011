"""What the config's methods and data sets are to tables."""

from pathlib import Path

import pytest
import yaml

from diffusion_classifier.config.methods import method_varies, same_images

DEFAULT = yaml.safe_load((Path(__file__).parents[1] / "config.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("method", "varies"),
    [("digits", "training"), ("scenes", "training"), ("clip", "training"), ("resnet-8", "training"),
     ("vit-64", "training"), ("sd-features", "training"), ("logistic-regression", ""),
     ("k-nearest", ""), ("chance-seed3", "seed")],
)  # fmt: skip
def test_what_another_run_of_a_method_draws_anew(method, varies):
    assert method_varies(DEFAULT, method) == varies


def test_shifts_of_the_same_test_images_are_told_from_other_images():
    others = DEFAULT["tables"]["robustness"]["datasets"][1:]
    assert same_images(DEFAULT, "mnist", others) == ["mnist-pose", "mnist-occlusion", "mnist-noise"]
    fewer = {**DEFAULT["datasets"]["mnist-noise"], "limit": 600}
    config = {"datasets": {**DEFAULT["datasets"], "mnist-noise": fewer}}
    assert same_images(config, "mnist", others) == ["mnist-pose", "mnist-occlusion"]
