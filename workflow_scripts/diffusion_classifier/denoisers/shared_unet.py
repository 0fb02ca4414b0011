"""A Stable Diffusion UNet that computes once what its evaluations have in common.

Everything before the first cross-attention depends on the noised image alone: the time embedding,
`conv_in`, the blocks up to the first that has attention, its first resnet and self-attention. It is
computed once for each input and continued for each prompt. A cross-attention's keys and values
depend on the prompt alone: they are projected once for each prompt. The rest is diffusers' own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import Query

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

KEPT = 2 * 2**30
"""Bytes of keys and values that may be kept; of more prompts they are projected in every pass."""
# what a UNet's config may say besides, and this module does not know
_PLAIN = {
    "class_embed_type": None,
    "addition_embed_type": None,
    "encoder_hid_dim_type": None,
    "encoder_hid_dim": None,
    "num_class_embeds": None,
    "time_cond_proj_dim": None,
    "time_embedding_act_fn": None,
    "only_cross_attention": False,
    "dual_cross_attention": False,
    "center_input_sample": False,
    "mid_block_type": "UNetMidBlock2DCrossAttn",
}
_BLOCKS = ("DownBlock2D", "CrossAttnDownBlock2D", "UpBlock2D", "CrossAttnUpBlock2D")


def can_share(unet: UNet2DConditionModel) -> bool:
    """Whether `SharedUNet` knows all that this UNet does."""
    config = unet.config
    blocks = (*config.down_block_types, *config.up_block_types)
    plain = all(config.get(key, value) == value for key, value in _PLAIN.items())
    return plain and set(blocks) <= set(_BLOCKS) and "CrossAttnDownBlock2D" in blocks


KeyValue = tuple[Tensor, Tensor]
"""A cross-attention's keys and values of prompts: `(prompt, head, token, channel)` each."""


class _PromptAttention:
    """An attention processor of diffusers that may be given keys and values instead of a text."""

    def __init__(self) -> None:
        # a job that only encodes prompts need not import diffusers
        from diffusers.models.attention_processor import AttnProcessor2_0

        self.keys_values: dict[nn.Module, KeyValue] | None = None
        self.prompt: Tensor | None = None  # of each evaluation
        self.plain = AttnProcessor2_0()

    def __call__(
        self, attn: nn.Module, hidden_states: Tensor, *args: Any, **options: Any
    ) -> Tensor:
        if self.keys_values is None:
            return self.plain(attn, hidden_states, *args, **options)
        key, value = (part[self.prompt] for part in self.keys_values[attn])
        query = _heads(attn, attn.to_q(hidden_states))
        found = F.scaled_dot_product_attention(query, key, value)
        return attn.to_out[0](found.transpose(1, 2).flatten(2))


class SharedUNet:
    """Evaluates a UNet of which `can_share` is true; called in the usual way it is as it was."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self.unet = unet
        self.attention = _PromptAttention()
        self.cross = [part for name, part in unet.named_modules() if name.endswith(".attn2")]
        for module in self.cross:
            module.set_processor(self.attention)

    def prepare(self, conditions: dict[str, Tensor]) -> dict[nn.Module, KeyValue] | Tensor:
        """Keys and values of all prompts; of too many to be kept their `text` as it is.

        `text` is `(prompt, token, channel)`.
        """
        text = conditions["text"].to(self.unet.dtype)
        widths = sum(2 * module.inner_kv_dim for module in self.cross)
        if text.shape[0] * text.shape[1] * widths * text.element_size() > KEPT:
            return text
        return self._keys_values(text)

    def __call__(self, query: Query, prepared: dict[nn.Module, KeyValue] | Tensor) -> Tensor:
        """The UNet's output for each evaluation, `(batch, c, h, w)`."""
        attention = self.attention
        attention.keys_values, attention.prompt = prepared, query.prompt
        if isinstance(prepared, Tensor):
            distinct, attention.prompt = torch.unique(query.prompt, return_inverse=True)
            attention.keys_values = self._keys_values(prepared[distinct])
        try:
            return self._forward(query.x_t, query.timestep, query.row)
        finally:
            attention.keys_values = None

    def compile(self) -> None:
        """Have PyTorch compile it for passes of any size."""
        self._forward = torch.compile(self._forward, dynamic=True)

    def _forward(self, x_t: Tensor, timestep: Tensor, row: Tensor) -> Tensor:
        unet = self.unet
        emb = unet.time_embedding(unet.get_time_embed(sample=x_t, timestep=timestep))
        hidden = unet.conv_in(x_t)
        skips, shared = [hidden], True
        for block in unet.down_blocks:
            attentions = getattr(block, "attentions", [None] * len(block.resnets))
            for resnet, attention in zip(block.resnets, attentions, strict=True):
                hidden = resnet(hidden, emb)
                if attention is not None and shared:
                    hidden, emb, shared = _first_attention(attention, hidden, row), emb[row], False
                elif attention is not None:
                    hidden = attention(hidden, return_dict=False)[0]
                skips.append(hidden)
            for downsampler in block.downsamplers or ():
                hidden = downsampler(hidden)
                skips.append(hidden)
            if not shared:
                skips = [skip if len(skip) == len(row) else skip[row] for skip in skips]
        hidden = unet.mid_block(hidden, emb)
        for block in unet.up_blocks:
            own = [skips.pop() for _ in block.resnets][::-1]
            size = skips[-1].shape[2:] if skips else None
            hidden = block(hidden, tuple(own), emb, upsample_size=size)
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))

    def _keys_values(self, text: Tensor) -> dict[nn.Module, tuple[Tensor, Tensor]]:
        return {
            module: (
                _heads(module, module.to_k(text)).contiguous(),
                _heads(module, module.to_v(text)).contiguous(),
            )
            for module in self.cross
        }


def _heads(attn: nn.Module, projected: Tensor) -> Tensor:
    """`(batch, token, head · channel)` → `(batch, head, token, channel)`."""
    return projected.unflatten(2, (attn.heads, -1)).transpose(1, 2)


def _first_attention(transformer: nn.Module, hidden: Tensor, row: Tensor) -> Tensor:
    """diffusers' `Transformer2DModel.forward`, from inputs to evaluations after self-attention."""
    residual = hidden
    height, width = hidden.shape[-2:]
    tokens, channels = transformer._operate_on_continuous_inputs(hidden)
    first, *others = transformer.transformer_blocks
    tokens = first.attn1(first.norm1(tokens)) + tokens
    tokens, residual = tokens[row], residual[row]
    tokens = first.attn2(first.norm2(tokens)) + tokens
    tokens = first.ff(first.norm3(tokens)) + tokens
    for block in others:
        tokens = block(tokens)
    return transformer._get_output_for_continuous_inputs(
        tokens, residual, len(row), height, width, channels
    )
