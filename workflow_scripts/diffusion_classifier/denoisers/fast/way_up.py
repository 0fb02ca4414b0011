"""Faster modules for the way up of a UNet, which differ from diffusers' by rounding alone."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SharedSkip:
    """A resnet on the way up whose skip connection depends on the input alone.

    diffusers' resnet concatenates the channels from below and those of the skip connection, then
    normalises and convolves them. Convolutions are linear, and group norm works on groups of
    channels. So the groups that consist of skip channels are computed once for each input, and the
    result is added for each of its evaluations, with the timestep's projection.
    """

    def __init__(self, resnet: nn.Module, skip_channels: int) -> None:
        self.resnet = resnet
        # the first channels, in whole groups, are computed for each evaluation, the others for
        # each input; a group with channels of both belongs to the first
        self.first, self.groups = _first_channels(resnet, skip_channels)
        self.mixed = self.first - (resnet.in_channels - skip_channels)
        self.conv_first, self.conv_skip = _split(resnet.conv1.weight, self.first)
        self.shortcut_first, self.shortcut_skip = _split(resnet.conv_shortcut.weight, self.first)

    def __call__(self, hidden: Tensor, skip: Tensor, emb: Tensor, row: Tensor) -> Tensor:
        """`hidden` is `(batch, c, h, w)`; `skip` and `emb` are `(input, …)`."""
        resnet, act = self.resnet, self.resnet.nonlinearity
        shared = skip[:, self.mixed :]
        convolved = F.conv2d(
            act(self._normed(shared, slice(self.first, None))), self.conv_skip, padding=1
        )
        convolved = convolved + resnet.time_emb_proj(act(emb))[:, :, None, None]
        if self.mixed:
            hidden = torch.cat([hidden, skip[:, : self.mixed][row]], dim=1)
        out = act(self._normed(hidden, slice(self.first)))
        out = F.conv2d(out, self.conv_first, resnet.conv1.bias, padding=1) + convolved[row]
        out = resnet.conv2(act(resnet.norm2(out)))
        shortcut = F.conv2d(shared, self.shortcut_skip)[row]
        shortcut = shortcut + F.conv2d(hidden, self.shortcut_first, resnet.conv_shortcut.bias)
        return (shortcut + out) / resnet.output_scale_factor

    def _normed(self, part: Tensor, channels: slice) -> Tensor:
        norm = self.resnet.norm1
        groups = self.groups if channels.start is None else norm.num_groups - self.groups
        return F.group_norm(part, groups, norm.weight[channels], norm.bias[channels], norm.eps)


def can_split(resnet: nn.Module, skip_channels: int) -> bool:
    """Whether `SharedSkip` covers all options of this resnet, and some work can be shared."""
    return (
        _first_channels(resnet, skip_channels)[0] < resnet.in_channels
        and resnet.time_embedding_norm == "default"
        and resnet.upsample is None
        and resnet.downsample is None
        and resnet.conv_shortcut is not None
        and resnet.time_emb_proj is not None
        and not resnet.skip_time_act
    )


class FoldedUpsampler:
    """Nearest-neighbour upsampling to twice the size, followed by a 3 × 3 convolution.

    In the large image, 2 × 2 pixels are equal, so the convolution multiplies each small pixel with
    several weights, which can be summed before. What remains are four 2 × 2 convolutions of the
    small image, one for each parity of row and column: 16 instead of 36 products.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        self.bias = conv.bias
        self.kernels = [
            [_folded(conv.weight, row, column) for column in range(2)] for row in range(2)
        ]

    def __call__(self, hidden: Tensor) -> Tensor:
        """`(batch, c, h, w)` → `(batch, c, 2h, 2w)`."""
        height, width = hidden.shape[2:]
        padded = F.pad(hidden, (1, 1, 1, 1))
        rows = [
            torch.stack(
                [
                    F.conv2d(padded[:, :, y : y + height + 1, x : x + width + 1], kernel, self.bias)
                    for x, kernel in enumerate(kernels)
                ],
                dim=-1,
            )
            for y, kernels in enumerate(self.kernels)
        ]
        # interleave the four images, with the channels innermost
        large = torch.stack(rows, dim=3).permute(0, 2, 3, 4, 5, 1)
        return large.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def can_fold(upsampler: nn.Module) -> bool:
    """Whether `FoldedUpsampler` covers all options of this upsampler."""
    conv = getattr(upsampler, "conv", None)
    return (
        isinstance(conv, nn.Conv2d)
        and (conv.kernel_size, conv.stride, conv.padding) == ((3, 3), (1, 1), (1, 1))
        and upsampler.interpolate
        and upsampler.norm is None
    )


def _first_channels(resnet: nn.Module, skip_channels: int) -> tuple[int, int]:
    """The number of channels, and of groups, that are not computed from skip channels alone."""
    norm = resnet.norm1
    size = norm.num_channels // norm.num_groups
    groups = math.ceil((resnet.in_channels - skip_channels) / size)
    return groups * size, groups


def _split(weight: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """A convolution's weight for its first input `channels`, and for the others."""
    parts = weight[:, :channels], weight[:, channels:]
    return tuple(_like(part, weight) for part in parts)


def _folded(weight: Tensor, row: int, column: int) -> Tensor:
    """The 2 × 2 kernel for the pixels of one parity, summed in float32 or higher precision."""
    exact = weight.to(torch.promote_types(weight.dtype, torch.float32))
    near = {0: ([0], [1, 2]), 1: ([0, 1], [2])}  # weights of the same small pixel
    sums = [[exact[:, :, y][..., x].sum(dim=(2, 3)) for x in near[column]] for y in near[row]]
    kernel = torch.stack([torch.stack(line, dim=-1) for line in sums], dim=2)
    return _like(kernel.to(weight.dtype), weight)


def _like(part: Tensor, weight: Tensor) -> Tensor:
    """`part`, contiguous in the memory format of `weight`."""
    last = weight.is_contiguous(memory_format=torch.channels_last)
    return part.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
