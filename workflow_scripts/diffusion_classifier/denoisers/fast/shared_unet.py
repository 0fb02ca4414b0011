"""A Stable Diffusion UNet that computes once what several evaluations share.

Everything before the first cross-attention depends on the noised image alone: the time embedding,
`conv_in`, the blocks up to the first that has attention, its first resnet and self-attention. It is
computed once for each input and continued for each prompt. A cross-attention's keys and values
depend on the prompt alone, so they are projected once for each prompt. A skip connection from
before the first cross-attention contributes the same to all prompts of an input, so `way_up`
computes its part once for each input. Everything else is computed by diffusers' modules.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..denoiser import Query, compiled
from .comparison import ANY, only_known
from .way_up import FoldedUpsampler, SharedSkip, can_fold, can_split

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

KEPT = 2 * 2**30
"""The most bytes of keys and values to keep; if there are more, every pass projects its prompts."""
# the known options of a UNet's config: those with ANY are sizes, or are handled by diffusers'
# modules, which this module calls
_KNOWN = {
    "class_embed_type": None,
    "class_embeddings_concat": False,
    "num_class_embeds": None,
    "projection_class_embeddings_input_dim": None,
    "addition_embed_type": None,
    "addition_time_embed_dim": None,
    "addition_embed_type_num_heads": ANY,  # without an added embedding it has no effect
    "encoder_hid_dim_type": None,
    "encoder_hid_dim": None,
    "time_cond_proj_dim": None,
    "time_embedding_act_fn": None,
    "only_cross_attention": False,
    "mid_block_only_cross_attention": None,
    "dual_cross_attention": False,
    "cross_attention_norm": None,
    "attention_type": "default",
    "center_input_sample": False,
    "mid_block_type": "UNetMidBlock2DCrossAttn",
} | dict.fromkeys(
    [
        *("sample_size", "in_channels", "out_channels", "block_out_channels", "layers_per_block"),
        *("down_block_types", "up_block_types", "conv_in_kernel", "conv_out_kernel", "act_fn"),
        *("flip_sin_to_cos", "freq_shift", "time_embedding_type", "time_embedding_dim"),
        *("timestep_post_act", "norm_num_groups", "norm_eps", "dropout", "downsample_padding"),
        *("resnet_time_scale_shift", "resnet_skip_time_act", "resnet_out_scale_factor"),
        *("mid_block_scale_factor", "attention_head_dim", "num_attention_heads"),
        *("cross_attention_dim", "transformer_layers_per_block", "upcast_attention"),
        *("reverse_transformer_layers_per_block", "use_linear_projection"),
    ],
    ANY,
)
_BLOCKS = ("DownBlock2D", "CrossAttnDownBlock2D", "UpBlock2D", "CrossAttnUpBlock2D")


def can_share(unet: UNet2DConditionModel) -> bool:
    """Whether `SharedUNet` knows all options of this UNet."""
    config = unet.config
    blocks = {*config.down_block_types, *config.up_block_types}
    known = only_known(config, _KNOWN) and blocks <= set(_BLOCKS)
    return known and "CrossAttnDownBlock2D" in blocks


KeyValue = tuple[Tensor, Tensor]
"""A cross-attention's keys and values of prompts: `(prompt, head, token, channel)` each."""


class _PromptAttention:
    """An attention processor for diffusers that can take keys and values instead of a text.

    While `keys_values` is None it is diffusers' own processor. A self-attention computes its keys
    and values itself.
    """

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
        if attn in self.keys_values:
            key, value = (part[self.prompt] for part in self.keys_values[attn])
        else:
            parts = (attn.to_k(hidden_states), attn.to_v(hidden_states))
            key, value = (_heads(part, attn.heads) for part in parts)
        query = _heads(attn.to_q(hidden_states), attn.heads)
        attended = F.scaled_dot_product_attention(query, key, value)
        return attn.to_out[0](attended.transpose(1, 2).flatten(2))


class SharedUNet:
    """Evaluates a UNet of which `can_share` is true; the UNet can still be called as before."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self.unet = unet
        self.attention = _PromptAttention()
        self.cross = [part for name, part in unet.named_modules() if name.endswith(".attn2")]
        own = [part for name, part in unet.named_modules() if name.endswith(".attn1")]
        for module in (*self.cross, *own):
            module.set_processor(self.attention)
        self.split: dict[nn.Module, SharedSkip] | None = None
        self.folded: dict[nn.Module, FoldedUpsampler] = {}

    def prepare(self, conditions: dict[str, Tensor]) -> dict[nn.Module, KeyValue] | Tensor:
        """Keys and values of all prompts or, if they need more than KEPT bytes, the `text` itself.

        `text` is `(prompt, token, channel)`.
        """
        if self.split is None:
            self._rewrite()
        text = conditions["text"].to(self.unet.dtype)
        widths = sum(2 * module.inner_kv_dim for module in self.cross)
        if text.shape[0] * text.shape[1] * widths * text.element_size() > KEPT:
            return text
        return self._keys_values(text)

    def __call__(self, query: Query, prepared: dict[nn.Module, KeyValue] | Tensor) -> Tensor:
        """The UNet's output for each evaluation, `(batch, c, h, w)`."""
        prompt = query.prompt
        if isinstance(prepared, Tensor):
            prepared, prompt = self._keys_values(prepared[query.cell_prompt]), query.cell
        return self._forward(query.x_t, query.timestep, query.row, prompt, prepared)

    def compile(self) -> None:
        """Have PyTorch compile it for passes of any size."""
        self._forward = compiled(self._forward)

    def _forward(
        self,
        x_t: Tensor,
        timestep: Tensor,
        row: Tensor,
        prompt: Tensor,
        keys_values: dict[nn.Module, KeyValue],
    ) -> Tensor:
        self.attention.keys_values, self.attention.prompt = keys_values, prompt
        try:
            return self._output(x_t, timestep, row)
        finally:
            self.attention.keys_values = self.attention.prompt = None

    def _output(self, x_t: Tensor, timestep: Tensor, row: Tensor) -> Tensor:
        unet = self.unet
        of_input = unet.time_embedding(unet.get_time_embed(sample=x_t, timestep=timestep))
        hidden, emb = unet.conv_in(x_t), of_input
        skips, shared = [(hidden, True)], True
        for block in unet.down_blocks:
            attentions = getattr(block, "attentions", [None] * len(block.resnets))
            for resnet, attention in zip(block.resnets, attentions, strict=True):
                hidden = resnet(hidden, emb)
                if attention is not None and shared:
                    hidden, emb, shared = _first_attention(attention, hidden, row), emb[row], False
                elif attention is not None:
                    hidden = _transformed(attention, hidden)
                skips.append((hidden, shared))
            for downsampler in block.downsamplers or ():
                hidden = downsampler(hidden)
                skips.append((hidden, shared))
        first, *others = unet.mid_block.resnets
        hidden = first(hidden, emb)
        for resnet, attention in zip(others, unet.mid_block.attentions, strict=True):
            hidden = resnet(_transformed(attention, hidden), emb)
        for block in unet.up_blocks:
            attentions = getattr(block, "attentions", [None] * len(block.resnets))
            for resnet, attention in zip(block.resnets, attentions, strict=True):
                skip, shared = skips.pop()
                if shared and resnet in self.split:
                    hidden = self.split[resnet](hidden, skip, of_input, row)
                else:
                    skip = skip[row] if shared else skip
                    hidden = resnet(torch.cat([hidden, skip], dim=1), emb)
                if attention is not None:
                    hidden = _transformed(attention, hidden)
            for upsampler in block.upsamplers or ():
                hidden = self._upsampled(upsampler, hidden, skips[-1][0].shape[2:])
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))

    def _upsampled(self, upsampler: nn.Module, hidden: Tensor, size: torch.Size) -> Tensor:
        twice = size == (2 * hidden.shape[2], 2 * hidden.shape[3])
        if twice and upsampler in self.folded:
            return self.folded[upsampler](hidden)
        return upsampler(hidden, size)

    def _rewrite(self) -> None:
        """Derive the weights of the way up, when the UNet's device and memory format are final."""
        unet, self.split = self.unet, {}
        skips, shared = [(unet.conv_in.out_channels, True)], True
        for block in unet.down_blocks:
            shared = shared and not hasattr(block, "attentions")
            layers = [*block.resnets, *(block.downsamplers or ())]
            skips += [(layer.out_channels, shared) for layer in layers]
        for block in unet.up_blocks:
            for resnet in block.resnets:
                channels, shared = skips.pop()
                if shared and can_split(resnet, channels):
                    self.split[resnet] = SharedSkip(resnet, channels)
            for upsampler in block.upsamplers or ():
                if can_fold(upsampler):
                    self.folded[upsampler] = FoldedUpsampler(upsampler.conv)

    def _keys_values(self, text: Tensor) -> dict[nn.Module, tuple[Tensor, Tensor]]:
        return {
            module: (
                _heads(module.to_k(text), module.heads).contiguous(),
                _heads(module.to_v(text), module.heads).contiguous(),
            )
            for module in self.cross
        }


def _first_attention(transformer: nn.Module, hidden: Tensor, row: Tensor) -> Tensor:
    """`_transformed`, which continues with evaluations instead of inputs after self-attention."""
    tokens, _ = transformer._operate_on_continuous_inputs(hidden)
    first, *others = transformer.transformer_blocks
    tokens = _attended(first.attn1, first.norm1(tokens)) + tokens
    tokens = _cross_attention_on(first, tokens[row])
    return _remaining_blocks(transformer, others, tokens, hidden[row])


def _transformed(transformer: nn.Module, hidden: Tensor) -> Tensor:
    """diffusers' `Transformer2DModel.forward` without the copy to channels first at its end.

    With channels last, that copy and the one back would be needless.
    """
    tokens, _ = transformer._operate_on_continuous_inputs(hidden)
    return _remaining_blocks(transformer, transformer.transformer_blocks, tokens, hidden)


def _remaining_blocks(
    transformer: nn.Module, blocks: Iterable[nn.Module], tokens: Tensor, residual: Tensor
) -> Tensor:
    for block in blocks:
        tokens = _cross_attention_on(block, _attended(block.attn1, block.norm1(tokens)) + tokens)
    linear = transformer.use_linear_projection
    tokens = transformer.proj_out(tokens) if linear else tokens
    image = tokens.unflatten(1, residual.shape[2:]).permute(0, 3, 1, 2)
    return residual + (image if linear else transformer.proj_out(image))


def _cross_attention_on(block: nn.Module, tokens: Tensor) -> Tensor:
    """diffusers' `BasicTransformerBlock` from the cross-attention on."""
    tokens = _attended(block.attn2, block.norm2(tokens)) + tokens
    return block.ff(block.norm3(tokens)) + tokens


def _attended(attention: nn.Module, tokens: Tensor) -> Tensor:
    """diffusers' `Attention.forward`, which inspects its processor's signature in every call."""
    return attention.processor(attention, tokens)


def _heads(projected: Tensor, count: int) -> Tensor:
    """`(batch, token, head · channel)` → `(batch, head, token, channel)`."""
    return projected.unflatten(2, (count, -1)).transpose(1, 2)
