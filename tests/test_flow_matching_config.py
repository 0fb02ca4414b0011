"""config/flow-matching.yaml: with the published models' configs, and on tiny pipelines."""

import pytest
import yaml
from model_skeletons import change, save

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.costs import estimate
from plan import Plan

# what of the published configs decides which latents fit
SIZES = {
    "flux": {"patch_size": 1},
    "stable-diffusion-3": {"patch_size": 2, "sample_size": 128, "pos_embed_max_size": 192},
}


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    """The config, its weights folders of the published form with empty weights."""
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / "config/flow-matching.yaml").read_text(encoding="utf-8"))
    for name, spec in config["models"].items():
        assert (
            set(spec["weights"]) == {"hub", "revision"} and len(spec["weights"]["revision"]) == 40
        )
        folder = save(tmp_path / name, spec["family"])
        change(folder, "transformer", **SIZES[spec["family"]])
        change(folder, "vae", in_channels=3, block_out_channels=[128, 256, 512, 512])
        spec["weights"] = str(folder)
    return config


def test_the_published_models_fit_it(root, config):
    check_config(config, root)


@pytest.mark.parametrize("name", ["flux-dev", "sd-3-5-large-turbo"])
def test_latents_of_another_shape_do_not(root, config, name):
    config["models"][name]["latent_shape"] = [64, 32, 32]  # as they are packed
    with pytest.raises(InputError, match=rf"models.{name}.latent_shape: .*VAE makes \[16, 64, 64"):
        check_config(config, root)


@pytest.mark.parametrize("name", ["flux-schnell", "sd-3-5-medium"])
def test_only_a_model_distilled_from_guidance_has_a_scale(root, config, tmp_path, name):
    change(tmp_path / "flux-schnell", "transformer", guidance_embeds=False)
    config["models"]["flux-dev"]["guidance"] = 3.5
    check_config(config, root)
    plan = Plan(config, root)
    assert plan.models.encoding("flux-dev") == {"truncate": False, "guidance": 3.5}
    assert plan.models.encoding(name) == {"truncate": False}
    config["models"][name]["guidance"] = 3.5
    with pytest.raises(InputError, match=rf"models.{name}.guidance: found 3.5.* leave it out"):
        check_config(config, root)


def test_a_clip_has_no_scale_of_guidance(root):
    config = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    config["models"]["scenes-clip"]["guidance"] = 3.5
    with pytest.raises(InputError, match=r"clip\S*.guidance: found 3.5.*leave it out"):
        check_config(config, root)


def test_a_folder_that_lacks_a_part_is_named(root, config, tmp_path):
    (tmp_path / "flux-dev" / "tokenizer_2" / "spiece.model").unlink()
    with pytest.raises(InputError, match=r"^models.flux-dev.weights: .*tokenizer_2: found no"):
        check_config(config, root)


def test_its_costs_are_those_of_the_stages(root, config, monkeypatch):
    """10 samples of all six classes, then 40 further ones of the five best."""
    monkeypatch.chdir(root)  # where the images are
    costs = {cost.method: cost for cost in estimate(config)}
    assert set(costs) == set(config["evaluations"])
    assert costs["flux-dev"].per_image == pytest.approx(6 * 10 + 5 * 40)
    hours = costs["flux-dev"].evaluations / config["evaluations"]["flux-dev"]["rate"] / 3600
    assert costs["flux-dev"].hours == pytest.approx(hours)
