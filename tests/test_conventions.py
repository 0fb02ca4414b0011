"""Every key of every config of a model is known here: honoured, refused, or of no matter."""

import ast
import inspect
import json
from pathlib import Path

import conventions as kinds
import diffusers
import pytest
import torch
from convention_pipelines import (
    ENCODERS,
    NETWORK,
    PROMPTS,
    TEXTS,
    base_of,
    close,
    predicted,
)
from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import calculate_shift
from family_pipelines import CPU
from network_conventions import NETWORKS
from transformers import CLIPTextConfig, T5Config

from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.denoisers.families import family as adapter_of
from diffusion_classifier.denoisers.noise_levels import NOISE_LEVELS
from diffusion_classifier.denoisers.scheduler import NOISE_SCHEDULE, read_scheduler
from diffusion_classifier.denoisers.vae import load_vae
from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.conventions import DISCRETE, FLOW_MATCHING
from diffusion_classifier.weights.model_parts import check_model_folder

NETWORK_CLASSES = {
    "stable-diffusion": [diffusers.UNet2DConditionModel],
    "stable-diffusion-xl": [diffusers.UNet2DConditionModel],
    "dit": [diffusers.DiTTransformer2DModel],
    "pixart": [diffusers.PixArtTransformer2DModel],
    "stable-diffusion-3": [diffusers.SD3Transformer2DModel],
    "flux": [diffusers.FluxTransformer2DModel],
}
PIPELINE_CLASSES = {
    "stable-diffusion": [diffusers.StableDiffusionPipeline],
    "stable-diffusion-xl": [
        diffusers.StableDiffusionXLPipeline,
        diffusers.StableDiffusionXLImg2ImgPipeline,
    ],
    "dit": [diffusers.DiTPipeline],
    "pixart": [diffusers.PixArtAlphaPipeline, diffusers.PixArtSigmaPipeline],
    "stable-diffusion-3": [diffusers.StableDiffusion3Pipeline],
    "flux": [diffusers.FluxPipeline],
}
LATENTS = {"refused": kinds.LATENTS}
PARTS = [
    ("schedulers", kinds.SCHEDULERS, DISCRETE),
    ("schedulers of flow matching", kinds.FLOWS, FLOW_MATCHING),
    *((f"network of {name}", NETWORKS[name], NETWORK_CLASSES[name]) for name in FAMILIES),
    *((f"pipeline of {name}", kinds.PIPELINES[name], PIPELINE_CLASSES[name]) for name in FAMILIES),
    ("VAE", kinds.VAE | LATENTS, [diffusers.AutoencoderKL]),
    ("CLIP", kinds.CLIP, [CLIPTextConfig]),
    ("T5", kinds.T5, [T5Config]),
]
NOT_TAKEN = {("UnCLIPScheduler", "beta_schedule"), ("RePaintScheduler", "trained_betas")}
"""What a scheduler has a key for, but takes no value (or none that a file can hold) of."""


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    return lambda family: base_of(family, tmp_path_factory)


def keys_of(kind):
    """Names of what a class's `__init__` takes; of one that cannot be imported from its source."""
    kind = getattr(diffusers, kind) if isinstance(kind, str) else kind
    found = set(inspect.signature(kind.__init__).parameters) - {"self"}
    if found == {"args", "kwargs"}:  # a stand-in for a class that needs another package
        source = Path(diffusers.__file__).parent / "schedulers" / "scheduling_dpmsolver_sde.py"
        parsed = [node for node in ast.walk(ast.parse(source.read_text()))
                  if isinstance(node, ast.ClassDef) and node.name == kind.__name__]  # fmt: skip
        init = next(node for node in parsed[0].body if getattr(node, "name", "") == "__init__")
        found = {argument.arg for argument in init.args.args} - {"self"}
    return found - {"kwargs"}


@pytest.mark.parametrize(("name", "entry", "classes"), PARTS, ids=[part[0] for part in PARTS])
def test_every_key_there_is_has_been_thought_of(name, entry, classes):
    there = set().union(*map(keys_of, classes)) - kinds.COMPONENTS
    known = [key for part in entry.values() for key in part]
    assert len(known) == len(set(known)), "one answer for each key"
    missing, gone = there - set(known), set(known) - there
    if name in ("CLIP", "T5"):  # which share what is of no matter
        gone -= set(entry["no matter"])
    assert not missing, "say in conventions.py what becomes of them"
    assert not gone, "take them out of conventions.py"


def test_every_scheduler_there_is_has_been_thought_of():
    there = {name for name in dir(diffusers) if name.endswith("Scheduler")} - {"KarrasVeScheduler"}
    flax = {name for name in there if name.startswith("Flax")}
    known = [*DISCRETE, *FLOW_MATCHING, *kinds.OTHER_SCHEDULERS]
    assert len(known) == len(set(known))
    assert there - flax - set(known) == set(), "decide in conventions.py"
    assert set(NOISE_SCHEDULE) == set(kinds.SCHEDULERS["honoured"]) - {"prediction_type"}
    assert set(NOISE_LEVELS) == set(kinds.FLOWS["honoured"])


def write_scheduler(folder, name, **config):
    (folder / "scheduler").mkdir(parents=True, exist_ok=True)
    text = json.dumps({"_class_name": name, **config})
    (folder / "scheduler" / "scheduler_config.json").write_text(text)
    return str(folder)


@pytest.mark.parametrize("name", DISCRETE)
def test_the_noise_schedule_is_that_of_the_schedulers_class(tmp_path, name):
    """By default and with every key, and whatever it says of sampling."""
    keys = keys_of(name)
    # the one that cannot be imported has the keys and defaults of this one
    kind = getattr(diffusers, name.replace("DPMSolverSDE", "KDPM2Discrete"))
    sampling = {key: 0.5 for key in kinds.SCHEDULERS["no matter"] if key in keys}
    for key, value in {"": None, **kinds.SCHEDULERS["honoured"]}.items():
        if key not in keys | {""} or (name, key) in NOT_TAKEN:
            continue
        options = {"num_train_timesteps": 100} | ({key: value} if key else {})
        expected = kind(**options).alphas_cumprod
        process, prediction = read_scheduler(write_scheduler(tmp_path, name, **sampling, **options))
        assert torch.equal(process.alphas_cumprod, expected), key
        assert prediction == options.get("prediction_type", "epsilon")
        assert process.timesteps == 100


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trained_betas": [0.1] * 10}, "found 10 trained_betas, expected 1000"),
        ({"trained_betas": [0.0] + [0.1] * 999}, "noise at every timestep"),
        ({"beta_schedule": "quadratic"}, "quadratic is not implemented"),
        ({"beta_start": "a"}, "cannot be made"),
        ({"name": "PNDMScheduler", "rescale_betas_zero_snr": True}, "does not know it"),
    ],
)
def test_a_schedule_that_cannot_be_is_said_in_one_line(tmp_path, changes, words):
    folder = write_scheduler(tmp_path, **{"name": "DDIMScheduler"} | changes)
    with pytest.raises(InputError, match=words) as error:
        read_scheduler(folder)
    assert "\n" not in str(error.value) and "scheduler" in str(error.value)


def test_two_classes_must_make_one_schedule(tmp_path):
    """The pipeline takes the class of model_index.json, its folder may name another."""
    (tmp_path / "model_index.json").write_text('{"scheduler": ["diffusers", "PNDMScheduler"]}')
    process, _ = read_scheduler(write_scheduler(tmp_path, "DDIMScheduler", beta_end=0.03))
    expected = diffusers.PNDMScheduler(beta_end=0.03).alphas_cumprod
    assert torch.equal(process.alphas_cumprod, expected)
    write_scheduler(tmp_path, "DDIMScheduler", rescale_betas_zero_snr=True)
    with pytest.raises(InputError, match=r"PNDMScheduler in model_index\.json and DDIM"):
        read_scheduler(str(tmp_path))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_a_learned_variance_wants_some_signal(tmp_path, prediction):
    options = {"rescale_betas_zero_snr": True, "prediction_type": prediction}
    folder = write_scheduler(tmp_path, "DDIMScheduler", **options)
    process, _ = read_scheduler(folder)
    assert process.alphas_cumprod[-1] == 0
    x_t = torch.randn(1, 4, 2, 2)
    assert not process.predicted_x0(x_t, x_t / 2, torch.tensor([999])).any()  # and not NaN
    with pytest.raises(InputError, match=r"without signal .* `vlb` does not exist"):
        read_scheduler(folder, learned_variance=True)


@pytest.mark.parametrize("name", FLOW_MATCHING)
@pytest.mark.parametrize("key", ["", *kinds.FLOWS["honoured"]])
def test_noise_levels_are_those_of_the_schedulers_class(bases, tmp_path, name, key):
    kind = getattr(diffusers, name)
    dynamic = key in NOISE_LEVELS[2:]
    options = {key: kinds.FLOWS["honoured"][key]} if key else {}
    options |= {"use_dynamic_shifting": True} if dynamic else {}
    if not set(options) <= keys_of(kind):
        return
    scheduler = kind(**options)
    expected = scheduler.sigmas
    if dynamic:  # as the pipeline does it for an image of 4 x 4 patches
        names = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
        mu = calculate_shift(16, *(scheduler.config[name] for name in names))
        scheduler.set_timesteps(scheduler.config.num_train_timesteps, mu=mu)
        expected = scheduler.sigmas[:-1]
    base = bases("stable-diffusion-3")
    sampling = {key: None for key in kinds.FLOWS["no matter"]}
    folder = base.copy(tmp_path / "model", "scheduler")
    (folder / "model_index.json").unlink()
    write_scheduler(folder, name, **sampling | {"use_karras_sigmas": True}, **options)
    process = adapter_of("stable-diffusion-3").load(str(folder), CPU, torch.float32).process
    close(process.sigmas, expected.flip(0))
    assert process.sigmas[-1] == 1


def refusals():
    """(family, part of its folder, key, changes) of all that is to be refused."""
    for family in FAMILIES:
        flows = FAMILIES[family].flow_matching
        for key, value in (kinds.FLOWS if flows else kinds.SCHEDULERS)["refused"].items():
            changes = {key: value}
            if key == "timestep_type":
                changes["prediction_type"] = "v_prediction"
            if key != "variance_type" or family in ("dit", "pixart"):
                yield family, "scheduler", key, changes
        for key, value in NETWORKS[family]["refused"].items():
            yield family, NETWORK[family], key, {key: value}
        for key, value in kinds.PIPELINES[family].get("refused", {}).items():
            yield family, ".", key, {key: value}
        for key, value in kinds.LATENTS.items():
            if key not in FAMILIES[family].scaled or key != "shift_factor":
                yield family, "vae", key, {key: value}  # of SDXL's two alone, that is
        for other in ({"scaling_factor": 0}, {"_class_name": "AutoencoderTiny"}):
            yield family, "vae", next(iter(other)), other
        for key in ("sample_size", "patch_size"):
            if NETWORK[family] == "transformer":
                yield family, "transformer", key, {key: [8, 8]}
    yield "stable-diffusion-xl", "unet", "sample_size", {"sample_size": [8, 8, 8]}
    yield "stable-diffusion-xl", "vae", "latents_mean", {"latents_mean": [0.1], "latents_std": [1]}


@pytest.mark.parametrize(
    ("family", "part", "key", "changes"),
    [pytest.param(*case, id=f"{case[0]} {case[1]} {case[2]}") for case in refusals()],
)
def test_what_is_refused_is_said_in_one_line(bases, tmp_path, family, part, key, changes):
    """From the configs alone, so before anything runs."""
    names = {"scheduler": "scheduler_config.json", ".": "model_index.json"}
    folder = bases(family).with_config(
        tmp_path / "model", part, changes, names.get(part, "config.json")
    )
    with pytest.raises(InputError) as error:
        # what diffusers itself refuses is said when it makes the network of the config
        if key == "norm_type":
            load(folder, family)
        check_model_folder(folder, FAMILIES[family])
    message = str(error.value)
    assert "\n" not in message and "expected" in message and folder in message
    if part == "vae":
        with pytest.raises(InputError):
            load_vae(folder, CPU, torch.float32, family)


def load(folder, family):
    adapter_of(family).load(folder, CPU, torch.float32)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", kinds.OTHER_SCHEDULERS)
def test_other_schedulers_are_refused(bases, tmp_path, family, name):
    folder = bases(family).with_config(
        tmp_path / "model", "scheduler", {"_class_name": name}, "scheduler_config.json"
    )
    with pytest.raises(InputError, match=f"scheduler: found the scheduler '{name}'"):
        check_model_folder(folder, FAMILIES[family])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_changes_nothing_is_not_refused(bases, tmp_path, family):
    """Values that mean what is done anyway, and whatever is of no matter."""
    base = bases(family)
    neutral = {"shift_factor": 0, "latents_mean": [0, 0, 0, 0], "latents_std": [1.0] * 4}
    neutral = {"shift_factor": 0.2} if FAMILIES[family].flow_matching else neutral
    folder = base.with_config(tmp_path / "vae", "vae", neutral)
    check_model_folder(folder, FAMILIES[family])
    assert torch.equal(
        load_vae(folder, CPU, torch.float32, family)[1].latent(torch.ones(4, 1, 1)),
        load_vae(str(base.folder), CPU, torch.float32, family)[1].latent(torch.ones(4, 1, 1)),
    )
    values = {"sample_size": 16, "attention_type": "default", "dropout": 0.5}
    changes = {key: values.get(key, 3) for key in NETWORKS[family]["no matter"]}
    other = base.with_config(tmp_path / "network", NETWORK[family], changes)
    x_t, timestep = torch.ones(1, 4, 8, 8), torch.tensor([500])
    found, expected = (
        predicted(family, path, x_t, timestep)[1] for path in (other, str(base.folder))
    )
    # an option that is not known to change nothing of a shared pass leaves the plain one alone
    for noise, same in zip(found, expected, strict=False):
        assert torch.equal(noise, same)


@pytest.mark.parametrize("family", TEXTS)
def test_what_is_of_no_matter_to_a_text_encoder_changes_nothing(bases, tmp_path, family):
    base = bases(family)
    entry = ENCODERS.get((family, "text_encoder"), kinds.CLIP)["no matter"]
    values = {"attention_dropout": 0.5, "dropout_rate": 0.5, "initializer_factor": 2.0}
    values |= {"initializer_range": 0.5, "use_cache": False, "classifier_dropout": 0.5}
    assert set(values) <= set(entry)
    folder = base.with_config(tmp_path / "model", "text_encoder", values)
    encode = adapter_of(family).encode_prompts
    found, expected = (
        encode(path, PROMPTS, CPU, torch.float32) for path in (folder, str(base.folder))
    )
    for name, value in expected.items():
        assert torch.equal(found[name], value)
