"""A DiT that computes once what several evaluations share.

Patches and their positions depend on the noised image alone; every block's modulation (adaLN-Zero,
Peebles & Xie 2023, section 3.2) on timestep and class alone, which all images share. The blocks
between are diffusers' `BasicTransformerBlock`, written out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..denoiser import Query, compiled
from .comparison import ANY, only_known

if TYPE_CHECKING:
    from diffusers import DiTTransformer2DModel

_GELU = 2 * math.sqrt(2 / math.pi)  # twice the factor in the tanh of a GELU
# the known options of a DiT's config: those with ANY are sizes, or are handled by diffusers'
# modules, which this module calls
_KNOWN = {"norm_type": "ada_norm_zero"} | dict.fromkeys(
    [
        *("num_attention_heads", "attention_head_dim", "in_channels", "out_channels", "num_layers"),
        *("sample_size", "patch_size", "num_embeds_ada_norm", "norm_num_groups", "norm_eps"),
        *("norm_elementwise_affine", "dropout", "attention_bias", "activation_fn"),
        "upcast_attention",
    ],
    ANY,
)


def can_share(transformer: DiTTransformer2DModel) -> bool:
    """Whether `SharedDiT` knows all options of this DiT and all parts of its blocks."""
    blocks = transformer.transformer_blocks
    known = only_known(transformer.config, _KNOWN) and not transformer.pos_embed.layer_norm
    return known and all(
        block.attn2 is None and block.pos_embed is None and block.attn1.group_norm is None
        for block in blocks
    )


class SharedDiT:
    """Evaluates a DiT of which `can_share` is true, trained on the timesteps 0 to timesteps - 1."""

    def __init__(self, transformer: DiTTransformer2DModel, timesteps: int) -> None:
        self.transformer = transformer
        self.projections = [_fused(block.attn1) for block in transformer.transformer_blocks]
        # computed once for all blocks and evaluations, as on a CPU it takes as long as a block
        every = torch.arange(timesteps, device=transformer.device)
        self.waves = transformer.transformer_blocks[0].norm1.emb.time_proj(every)

    def prepare(self, conditions: dict[str, Tensor]) -> Tensor:
        """Each prompt's class, `(prompt,)` int64."""
        return conditions["class_labels"]

    def __call__(self, query: Query, prepared: Tensor) -> Tensor:
        """The transformer's output for each evaluation, `(batch, channel, h, w)`."""
        return self._forward(query, prepared)

    def compile(self) -> None:
        """Have PyTorch compile it for passes of any size."""
        self._forward = compiled(self._forward)

    def _forward(self, query: Query, prepared: Tensor) -> Tensor:
        model = self.transformer
        waves = self.waves[query.cell_timestep].to(query.x_t.dtype)
        label = prepared[query.cell_prompt]
        x = _patches(model.pos_embed, query.x_t)[query.row]
        for block, projection in zip(model.transformer_blocks, self.projections, strict=True):
            emb = F.silu(_embedding(block.norm1.emb, waves, label))
            modulation = block.norm1.linear(emb)[query.cell].unsqueeze(1).chunk(6, dim=2)
            x = _block(block, projection, x, modulation)
        emb = F.silu(_embedding(model.transformer_blocks[0].norm1.emb, waves, label))
        shift, scale = model.proj_out_1(emb)[query.cell].unsqueeze(1).chunk(2, dim=2)
        out = model.proj_out_2(torch.addcmul(shift, model.norm_out(x), 1 + scale))
        return _unpatched(out, model.config.patch_size)


def _fused(attn: nn.Module) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of the projections to queries, keys and values, as one."""
    parts = (attn.to_q, attn.to_k, attn.to_v)
    bias = None if parts[0].bias is None else torch.cat([part.bias for part in parts])
    return torch.cat([part.weight for part in parts]), bias


def _patches(embedder: nn.Module, x: Tensor) -> Tensor:
    """diffusers' `PatchEmbed`, with the convolution written as a matrix product."""
    size = embedder.patch_size
    squares = x.unfold(2, size, size).unfold(3, size, size).permute(0, 2, 3, 1, 4, 5)
    patches = squares.flatten(3).flatten(1, 2)
    projected = F.linear(patches, embedder.proj.weight.flatten(1), embedder.proj.bias)
    return (projected + embedder.pos_embed).to(projected.dtype)


def _embedding(embedder: nn.Module, waves: Tensor, label: Tensor) -> Tensor:
    """diffusers' `CombinedTimestepLabelEmbeddings`; `waves` are sines and cosines of timesteps."""
    return embedder.timestep_embedder(waves) + embedder.class_embedder(label)


def _block(
    block: nn.Module,
    projection: tuple[Tensor, Tensor | None],
    x: Tensor,
    modulation: tuple[Tensor, ...],
) -> Tensor:
    shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = modulation
    attn, out = block.attn1, block.attn1.to_out[0]
    normed = torch.addcmul(shift, block.norm1.norm(x), 1 + scale)
    projected = F.linear(normed, *projection).unflatten(2, (3, attn.heads, -1))
    query, key, value = projected.permute(2, 0, 3, 1, 4)
    attended = F.scaled_dot_product_attention(query, key, value)
    x = torch.addcmul(x, gate, out(attended.transpose(1, 2).flatten(2)))
    normed = torch.addcmul(shift_mlp, block.norm3(x), 1 + scale_mlp)
    return torch.addcmul(x, gate_mlp, _feed_forward(block.ff, normed))


def _feed_forward(network: nn.Module, x: Tensor) -> Tensor:
    """diffusers' `FeedForward`; a compiled GELU is written as an exponential.

    GELU's 0.5 + 0.5 tanh y is σ(2y). Compiled for a CPU, a tanh takes three times as long as an
    exponential: without this, a pass of a small DiT takes 1.2 times as long.
    """
    activation = network.net[0]
    is_tanh_gelu = type(activation).__name__ == "GELU" and activation.approximate == "tanh"
    if not (is_tanh_gelu and torch.compiler.is_compiling()):
        return network(x)
    hidden = activation.proj(x)
    twice = hidden * (_GELU * (1 + 0.044715 * hidden * hidden))
    return network.net[2](hidden / (1 + torch.exp(-twice)))


def _unpatched(x: Tensor, patch: int) -> Tensor:
    """`(batch, patches, patch² · channel)` → `(batch, channel, h, w)`."""
    side = int(x.shape[1] ** 0.5)
    squares = x.unflatten(2, (patch, patch, -1)).unflatten(1, (side, side))
    return squares.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
