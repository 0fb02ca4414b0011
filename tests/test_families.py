"""What SDXL, PixArt, SD 3 and FLUX have in common, on tiny pipelines saved by diffusers."""

import shutil

import numpy as np
import pytest
import torch
from diffusers import (
    DDPMScheduler,
)
from family_pipelines import (
    CPU,
    NAMES,
    flux,
    l2_of,
    pixart,
    sd3,
    sdxl,
)
from tiny_stable_diffusion import TWO, prompts

from diffusion_classifier.denoisers.families import family
from diffusion_classifier.messages import InputError

TWELVE = "a photo of a red circle of a blue square"


@pytest.fixture(scope="module", params=NAMES)
def saved(request, tmp_path_factory):
    """Adapter and folder of each family."""
    folder = tmp_path_factory.mktemp(request.param)
    {"xl": sdxl, "pixart": pixart, "3": sd3, "flux": flux}[request.param](folder)
    return family(NAMES[request.param]), str(folder)


def test_neither_batch_nor_neighbours_matter(saved):
    adapter, folder = saved
    whole, single = l2_of(adapter, folder, batch=12), l2_of(adapter, folder, batch=1)
    for loss, values in whole.items():
        assert values == pytest.approx(single[loss], rel=1e-4), loss


def test_bfloat16_stays_close(saved):
    adapter, folder = saved
    found, expected = l2_of(adapter, folder, torch.bfloat16), l2_of(adapter, folder)
    assert found["l2"].dtype == np.float32
    # SD 3's errors at the last timesteps are as small as bfloat16's rounding of x_t squared
    assert found["l2"] == pytest.approx(expected["l2"], rel=0.1, abs=4e-6)


def test_a_prompt_too_long_is_named_or_cut(saved):
    adapter, folder = saved
    limit = 120 if adapter.__name__.endswith("pixart") else 8
    start = " ".join([TWELVE] * 5) if limit == 120 else TWELVE
    asked = prompts("a", start)
    with pytest.raises(InputError, match=rf"prompts: found '{start}' with .* at most {limit}, "):
        adapter.encode_prompts(folder, asked, CPU, torch.float32)
    found = adapter.encode_prompts(folder, asked, CPU, torch.float32, truncate=True)
    assert all(len(value) == 2 for value in found.values())
    # one more word at the end of what is cut changes nothing that CLIP (PixArt: T5) reads
    more = adapter.encode_prompts(
        folder, prompts("a", start + " red"), CPU, torch.float32, truncate=True
    )
    if adapter.__name__.endswith("flux"):  # whose text is T5's alone
        found = {"pooled": found["pooled"]}
    for name, value in found.items():
        seen = slice(None) if value.ndim == 2 else slice(0, limit)
        torch.testing.assert_close(value[:, seen], more[name][:, seen], rtol=0, atol=0)


def test_an_unknown_prediction_is_named(saved, tmp_path):
    adapter, folder = saved
    (copy := tmp_path / "copy").mkdir()
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    DDPMScheduler(prediction_type="trigflow").save_pretrained(copy / "scheduler")
    with pytest.raises(
        InputError, match=r"found .*prediction_type 'trigflow'.* expected .* choose"
    ):
        adapter.load(str(copy), CPU, torch.float32)


def test_only_safetensors_are_read(saved, tmp_path):
    adapter, folder = saved
    copy = shutil.copytree(folder, tmp_path / "copy")
    for path in copy.rglob("*.safetensors"):
        torch.save({}, path.with_suffix(".bin"))
        path.unlink()
    with pytest.raises(InputError, match="a pickle is never opened"):
        adapter.load(str(copy), CPU, torch.float32)
    with pytest.raises(InputError, match="a pickle is never opened"):
        adapter.encode_prompts(str(copy), TWO, CPU, torch.float32)
