"""Tiny pipelines of every family with one option changed, and what diffusers makes of it."""

import json
from contextlib import contextmanager
from pathlib import Path

import conventions as kinds
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiTPipeline,
    DiTTransformer2DModel,
    FluxPipeline,
)
from family_pipelines import CPU, LINEAR, flux, pixart, randomised, sd3, sdxl, vae
from tiny_stable_diffusion import TWO, save_pipeline

from diffusion_classifier.denoisers.denoiser import Query, predict_shared, prepare
from diffusion_classifier.denoisers.families import family as adapter_of

NETWORK = {
    "stable-diffusion": "unet",
    "stable-diffusion-xl": "unet",
    "dit": "transformer",
    "pixart": "transformer",
    "stable-diffusion-3": "transformer",
    "flux": "transformer",
}
FLOWS = ("stable-diffusion-3", "flux")
PROMPTS = TWO.assign(classidx=[1, 2])


def dit(folder, out_channels=8):
    network = DiTTransformer2DModel(
        num_attention_heads=2, attention_head_dim=4, in_channels=4, num_layers=1,
        out_channels=out_channels,
        norm_num_groups=2, sample_size=8, patch_size=2, num_embeds_ada_norm=5,
    )  # fmt: skip
    pipeline = DiTPipeline(randomised(network), vae(), DDIMScheduler(**LINEAR, clip_sample=False))
    pipeline.save_pretrained(folder)
    return pipeline


MAKE = {
    "stable-diffusion": lambda folder: save_pipeline(folder, 1, "epsilon"),
    "stable-diffusion-xl": sdxl,
    "dit": dit,
    "pixart": lambda folder: pixart(folder, sizes=False),
    "stable-diffusion-3": sd3,
    "flux": flux,
    "dit of fixed variance": lambda folder: dit(folder, out_channels=4),
    "pixart of fixed variance": lambda folder: pixart(folder, learned=False, sizes=False),
}


class Base:
    """A family's pipeline and its folder; `changed` makes others of it."""

    def __init__(self, family, folder):
        self.folder, self.pipeline = Path(folder), MAKE[family](folder)
        self.family = family.removesuffix(" of fixed variance")
        self.pipeline.set_progress_bar_config(disable=True)

    def copy(self, folder, *replaced):
        """A folder with links to all parts but those `replaced`, which are empty."""
        folder.mkdir()
        for path in self.folder.iterdir():
            if path.name in replaced:
                (folder / path.name).mkdir()
            elif path.is_dir():
                (folder / path.name).symlink_to(path)
            else:
                (folder / path.name).write_text(path.read_text())
        return folder

    def with_config(self, folder, part, changes, name="config.json"):
        """A copy in which a part's config says something else, and its weights are what they were.

        A value of None takes the key out.
        """
        self.copy(folder, *([part] if part != "." else []))
        for path in (self.folder / part).iterdir():
            if path.name != name and part != ".":
                (folder / part / path.name).symlink_to(path)
        config = json.loads((self.folder / part / name).read_text()) | changes
        kept = {key: value for key, value in config.items() if value is not None}
        (folder / part / name).write_text(json.dumps(kept))
        return str(folder)

    def changed(self, folder, part, changes):
        """A copy with another part of random weights, and the pipeline of its parts."""
        old = getattr(self.pipeline, part)
        if hasattr(old.config, "to_dict"):  # of transformers
            new = type(old)(type(old.config).from_dict(old.config.to_dict() | changes))
        else:
            kept = {key: value for key, value in old.config.items() if not key.startswith("_")}
            new = type(old).from_config(kept | changes)
        new = randomised(new) if not isinstance(old, AutoencoderKL) else new.eval()
        return self.replaced(folder, **{part: new})

    def replaced(self, folder, **parts):
        self.copy(folder, *parts)
        for name, part in parts.items():
            part.save_pretrained(folder / name)
        options = {"add_watermarker": False} if self.family == "stable-diffusion-xl" else {}
        if self.family == "stable-diffusion":
            options = {"requires_safety_checker": False}
        pipeline = type(self.pipeline)(**self.pipeline.components | parts, **options)
        pipeline.set_progress_bar_config(disable=True)
        pipeline.save_config(folder)
        return str(folder), pipeline


_MADE = {}


def base_of(family, factory):
    """The family's pipeline, made once for all tests of a process."""
    if family not in _MADE:
        _MADE[family] = Base(family, factory.mktemp("base"))
    return _MADE[family]


def sample(family, pipeline, output="latent", **options):
    """What the family's pipeline draws in one step for the first prompt, without guidance."""
    torch.manual_seed(0)
    options = {"guidance_scale": 1.0, "output_type": output, "num_inference_steps": 1} | options
    if family == "dit":
        return pipeline([1], **options | {"output_type": "np"}).images
    if family == "pixart":  # which treats a single step in a way of its own
        options |= {"use_resolution_binning": False, "clean_caption": False}
        options |= {"num_inference_steps": 2}
    config = getattr(pipeline, NETWORK[family]).config
    size = config.get("sample_size")
    if isinstance(size, list | tuple):
        options |= {"height": 2 * size[0], "width": 2 * size[1]}
    if family in FLOWS:  # the first of two, at σ = 1, has nothing of the velocity
        options |= {"num_inference_steps": 2, "sigmas": [1.0, 0.5]}
    if family == "flux":
        options |= {"max_sequence_length": 512 if config.guidance_embeds else 256}
        options |= {"height": 16, "width": 16}
    images = pipeline(TWO["prompt"][0], **options).images
    return unpacked(images) if family == "flux" and output == "latent" else images


def unpacked(tokens):
    return FluxPipeline._unpack_latents(tokens, 16, 16, 2)


@torch.no_grad()
def called(family, pipeline):
    """x_t and timestep of the pipeline's last call of its network, and what it put out."""
    calls = []

    def spy(module, args, kwargs, output):
        x_t = args[0] if args else kwargs["hidden_states"]
        timestep = args[1] if len(args) > 1 else kwargs["timestep"]
        calls.append((x_t, timestep, output[0]))

    hook = getattr(pipeline, NETWORK[family]).register_forward_hook(spy, with_kwargs=True)
    sample(family, pipeline)
    hook.remove()
    x_t, timestep, output = calls[-1]
    if family == "flux":
        x_t, timestep, output = unpacked(x_t), 1000 * timestep, unpacked(output)
    return x_t, torch.as_tensor(timestep).reshape(-1)[:1].long(), output


@torch.no_grad()
def predicted(family, folder, x_t, timestep):
    """ε_θ for the first prompt, `(input, c, h, w)`, in all the ways that the family computes it."""
    adapter = adapter_of(family)
    conditions = adapter.encode_prompts(folder, PROMPTS, CPU, torch.float32)
    denoiser = adapter.load(folder, CPU, torch.float32)
    first = torch.zeros(len(x_t), dtype=torch.int64)
    every = {name: value[first] for name, value in conditions.items()}
    found = [denoiser.predict(x_t, timestep, every)[0]]
    if getattr(denoiser, "shared", None) is not None:
        rows = torch.arange(len(x_t))
        query = Query(x_t, timestep, rows, first, rows, timestep, first)
        found.append(predict_shared(denoiser, query, prepare(denoiser, conditions))[0])
    return denoiser, found


@contextmanager
def decoded(pipeline):
    """A list of what the pipeline gives its VAE to decode, and of what comes back."""
    calls, decode = [], pipeline.vae.decode

    def spy(z, *args, **options):
        found = decode(z, *args, **options)
        calls.append((z, found[0]))
        return found

    pipeline.vae.decode = spy
    yield calls
    del pipeline.vae.decode


def close(found, expected):
    """Whether two tensors agree to 1e-5 of the largest value."""
    scale = max(1.0, expected.abs().max().item())
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * scale)


ENCODERS = {
    ("stable-diffusion", "text_encoder"): kinds.CLIP,
    ("stable-diffusion-xl", "text_encoder_2"): kinds.CLIP,
    ("pixart", "text_encoder"): kinds.T5,
    ("flux", "text_encoder"): kinds.CLIP,
    ("flux", "text_encoder_2"): kinds.T5,
}
TEXTS = [family for family in NETWORK if family != "dit"]
