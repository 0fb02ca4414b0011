"""Error maps: the errors of a pair before they are averaged over space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from diffusion_classifier.data.prompt_sets import is_unconditional
from diffusion_classifier.denoisers.denoiser import Denoiser
from diffusion_classifier.messages import InputError
from diffusion_classifier.network_time import in_network

from .engine import Engine, Inputs
from .samples import Sample

if TYPE_CHECKING:
    import pandas as pd


@torch.inference_mode()
@in_network()
def error_maps(
    denoiser: Denoiser,
    inputs: Inputs,
    pairs: pd.DataFrame,
    samples: Sequence[Sample],
    batch_size: int | str,
    device: torch.device,
    dtype: torch.dtype,
) -> np.ndarray:
    """(ε - ε_θ(x_t, t, c))² per latent position, a mean over channels and samples.

    Takes the arguments of `engine.epsilon_errors` and returns `(pair, row, column)` float32. The
    mean over space equals the mean of that function's `l2` over samples (authors' code,
    `--spatial`).
    Raises InputError if there is no sample or latents, noise and model do not fit together, and
    FloatingPointError naming image and prompt if an error is not finite.
    """
    if not samples:
        raise InputError(
            "samples: found none, expected at least one timestep to average the error maps over; "
            "add one"
        )
    # Sum on the CPU, in order and in double precision, so that every run gives the same maps.
    total = torch.zeros(len(pairs), *inputs.latents.shape[2:], dtype=torch.float64)
    engine = Engine(denoiser, inputs, batch_size, device, dtype)
    for batch in engine.passes(pairs, samples):
        squared = (batch.predicted.float() - batch.noise[batch.row]) ** 2
        pair = torch.tensor(batch.part) % len(pairs)
        total.index_add_(0, pair, squared.mean(dim=1).cpu().double())
    maps = (total / len(samples)).float().numpy()
    _check_finite(maps, pairs)
    return maps


def _check_finite(maps: np.ndarray, pairs: pd.DataFrame) -> None:
    bad = np.flatnonzero(~np.isfinite(maps).all(axis=(1, 2)))
    if len(bad):
        image, prompt = pairs[["image", "prompt"]].iloc[bad[0]]
        raise FloatingPointError(
            f"{len(bad)} of {len(maps)} error maps are not finite; the first: image {image}, "
            f"prompt {prompt}. Check the model's weights, or try another `dtype` (float16 "
            "overflows where bfloat16 and float32 do not)"
        )


def right_and_wrong(
    pairs: pd.DataFrame, data: pd.DataFrame, prompts: pd.DataFrame, examples: int
) -> pd.DataFrame:
    """Two rows `image, prompt` per image, its right caption first, for some Winoground examples.

    `pairs` belong to a shard; `data` has the columns `image, label, example, tag`. The first
    `examples` examples of each tag in the shard are taken.
    """
    shown = data[data["image"].isin(pairs["image"])]
    firsts = shown.drop_duplicates("example").groupby("tag").head(examples)["example"]
    chosen = pairs.merge(shown[shown["example"].isin(firsts)], on="image")
    chosen = chosen[~is_unconditional(prompts).to_numpy()[chosen["prompt"]]]
    wrong = prompts["classidx"].to_numpy()[chosen["prompt"]] != chosen["label"]
    ordered = chosen.assign(wrong=wrong).sort_values(["image", "wrong"], kind="stable")
    return ordered[["image", "prompt"]].reset_index(drop=True)
