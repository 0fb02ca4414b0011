"""The way up of a UNet: what its skip connections share, and upsampling without the zeros' work.

Both are exact, and told from diffusers' own modules by rounding alone.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SharedSkip:
    """A resnet on the way up whose skip connection belongs to inputs, not to evaluations.

    It normalises and convolves what comes from below and the skip as one. Convolutions are linear
    and group norm works on groups of channels, so the groups that are all skip are computed once
    for each input and added for each of its evaluations, with the timestep's projection.
    """

    def __init__(self, resnet: nn.Module, skip_channels: int) -> None:
        self.resnet = resnet
        # a group with channels of both goes with the evaluations
        self.own, self.groups = _own(resnet, skip_channels)
        self.mixed = self.own - (resnet.in_channels - skip_channels)
        self.conv_own, self.conv_skip = _split(resnet.conv1.weight, self.own)
        self.shortcut_own, self.shortcut_skip = _split(resnet.conv_shortcut.weight, self.own)

    def __call__(self, hidden: Tensor, skip: Tensor, emb: Tensor, row: Tensor) -> Tensor:
        """`hidden` is `(batch, c, h, w)`; `skip` and `emb` are inputs', `(input, …)`."""
        resnet, act = self.resnet, self.resnet.nonlinearity
        shared = skip[:, self.mixed :]
        convolved = F.conv2d(
            act(self._normed(shared, slice(self.own, None))), self.conv_skip, padding=1
        )
        convolved = convolved + resnet.time_emb_proj(act(emb))[:, :, None, None]
        if self.mixed:
            hidden = torch.cat([hidden, skip[:, : self.mixed][row]], dim=1)
        own = act(self._normed(hidden, slice(self.own)))
        own = F.conv2d(own, self.conv_own, resnet.conv1.bias, padding=1) + convolved[row]
        own = resnet.conv2(act(resnet.norm2(own)))
        past = F.conv2d(shared, self.shortcut_skip)[row]
        past = past + F.conv2d(hidden, self.shortcut_own, resnet.conv_shortcut.bias)
        return (past + own) / resnet.output_scale_factor

    def _normed(self, part: Tensor, channels: slice) -> Tensor:
        norm = self.resnet.norm1
        groups = self.groups if channels.start is None else norm.num_groups - self.groups
        return F.group_norm(part, groups, norm.weight[channels], norm.bias[channels], norm.eps)


def can_split(resnet: nn.Module, skip_channels: int) -> bool:
    """Whether `SharedSkip` knows all that this resnet does, and some of it can be shared."""
    return (
        _own(resnet, skip_channels)[0] < resnet.in_channels
        and resnet.time_embedding_norm == "default"
        and resnet.upsample is None
        and resnet.downsample is None
        and resnet.conv_shortcut is not None
        and resnet.time_emb_proj is not None
        and not resnet.skip_time_act
    )


class FoldedUpsampler:
    """Nearest-neighbour upsampling to twice the size and the 3 × 3 convolution behind it.

    Four 2 × 2 convolutions of the small image, one for each parity of row and column, as the
    other products of the large one are of equal neighbours: 16 instead of 36 products.
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
        # interleaved with the channels innermost, where these convolutions leave them
        large = torch.stack(rows, dim=3).permute(0, 2, 3, 4, 5, 1)
        return large.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def can_fold(upsampler: nn.Module) -> bool:
    """Whether `FoldedUpsampler` knows all that this upsampler does."""
    conv = getattr(upsampler, "conv", None)
    return (
        isinstance(conv, nn.Conv2d)
        and (conv.kernel_size, conv.stride, conv.padding) == ((3, 3), (1, 1), (1, 1))
        and upsampler.interpolate
        and upsampler.norm is None
    )


def _own(resnet: nn.Module, skip_channels: int) -> tuple[int, int]:
    """Channels, and groups of them, that are not all skip."""
    norm = resnet.norm1
    size = norm.num_channels // norm.num_groups
    groups = math.ceil((resnet.in_channels - skip_channels) / size)
    return groups * size, groups


def _split(weight: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """A convolution's weight for its first input `channels`, and for the others."""
    parts = weight[:, :channels], weight[:, channels:]
    return tuple(_like(part, weight) for part in parts)


def _folded(weight: Tensor, row: int, column: int) -> Tensor:
    """The 2 × 2 kernel that gives the pixels of one parity, summed in float32 at least."""
    exact = weight.to(torch.promote_types(weight.dtype, torch.float32))
    near = {0: ([0], [1, 2]), 1: ([0, 1], [2])}  # which taps meet the same small pixel
    sums = [[exact[:, :, y][..., x].sum(dim=(2, 3)) for x in near[column]] for y in near[row]]
    kernel = torch.stack([torch.stack(line, dim=-1) for line in sums], dim=2)
    return _like(kernel.to(weight.dtype), weight)


def _like(part: Tensor, weight: Tensor) -> Tensor:
    last = weight.is_contiguous(memory_format=torch.channels_last)
    return part.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
