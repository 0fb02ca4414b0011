"""The UNet's way up, rewritten, against diffusers' own modules in float64."""

import pytest
import torch
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D

from diffusion_classifier.denoisers.fast.way_up import (
    FoldedUpsampler,
    SharedSkip,
    can_fold,
    can_split,
)

ROW = torch.tensor([0, 0, 0, 1, 1])


def resnet(channels, groups, **options):
    torch.manual_seed(0)
    module = ResnetBlock2D(
        in_channels=channels, out_channels=16, temb_channels=12, groups=groups, **options
    )
    for parameter in module.parameters():  # also those that start at one or zero
        torch.nn.init.normal_(parameter, std=0.3)
    return module.double().eval()


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize(
    "below, skip, groups, mixed",
    [(32, 32, 8, 0), (64, 32, 8, 8), (20, 12, 4, 4), (16, 32, 16, 2)],
    ids=["whole groups", "one mixed", "small", "many groups"],
)
@torch.inference_mode()
def test_a_skip_of_inputs_is_what_diffusers_makes_of_it_for_each_evaluation(
    below, skip, groups, mixed, last
):
    module = resnet(below + skip, groups)
    if last:
        module = module.to(memory_format=torch.channels_last)
    assert can_split(module, skip)
    hidden = torch.randn(5, below, 6, 4).double()
    skips, emb = torch.randn(2, skip, 6, 4).double(), torch.randn(2, 12).double()
    expected = module(torch.cat([hidden, skips[ROW]], dim=1), emb[ROW])
    split = SharedSkip(module, skip)
    assert split.mixed == mixed
    torch.testing.assert_close(split(hidden, skips, emb, ROW), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "module",
    [
        resnet(48, 1),  # one group: nothing is of the skip alone
        resnet(48, 8, time_embedding_norm="scale_shift"),
        resnet(48, 8, up=True),
        resnet(48, 8, down=True),
        resnet(48, 8, skip_time_act=True),
        resnet(16, 8),  # no shortcut to split
    ],
    ids=["one group", "scale and shift", "up", "down", "no activation", "no shortcut"],
)
def test_resnets_of_another_kind_are_not_split(module):
    assert not can_split(module, module.in_channels // 3)


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@torch.inference_mode()
def test_folded_upsampling_is_upsampling_and_convolution(last):
    torch.manual_seed(0)
    module = Upsample2D(6, use_conv=True, out_channels=10).double()
    if last:
        module = module.to(memory_format=torch.channels_last)
    assert can_fold(module)
    small = torch.randn(3, 6, 5, 7).double()
    large = FoldedUpsampler(module.conv)(small)
    assert large.shape == (3, 10, 10, 14)
    torch.testing.assert_close(large, module(small), rtol=1e-10, atol=1e-10)


def test_half_precision_kernels_are_summed_before_they_are_rounded():
    torch.manual_seed(0)
    module = Upsample2D(6, use_conv=True)
    folded = FoldedUpsampler(module.bfloat16().conv).kernels[0][0]
    # of an upper left pixel, the lower right 2 × 2 of the large kernel meet its own small pixel
    exact = module.conv.weight.double()[:, :, 1:, 1:].sum(dim=(2, 3))
    assert torch.equal(folded[:, :, 1, 1], exact.bfloat16())


@pytest.mark.parametrize(
    "module",
    [
        Upsample2D(6, use_conv=False),
        Upsample2D(6, use_conv_transpose=True),
        Upsample2D(6, use_conv=True, kernel_size=5, padding=2),
        Upsample2D(6, use_conv=True, interpolate=False),
        Upsample2D(6, use_conv=True, norm_type="ln_norm", eps=1e-6, elementwise_affine=True),
    ],
    ids=["no convolution", "transposed", "5 × 5", "no upsampling", "normalised"],
)
def test_upsamplers_of_another_kind_are_not_folded(module):
    assert not can_fold(module)
