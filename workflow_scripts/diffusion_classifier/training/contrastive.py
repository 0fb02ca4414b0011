"""Train a miniature CLIP (Radford et al. 2021) on captioned images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .loop import Optimisation, fit
from .tokenizer import caption_ids, random_captions, text_config, word_tokenizer

if TYPE_CHECKING:
    from transformers import CLIPModel, CLIPTokenizer


def train_clip(
    images: Tensor,
    captions: Sequence[Sequence[str]],
    architecture: dict,
    optimisation: Optimisation,
) -> tuple[CLIPModel, CLIPTokenizer, list[dict[str, float]]]:
    """Train `CLIPModel` on `images` in [-1, 1], `(n, c, h, w)`, each with several `captions`.

    `architecture`: `tokens` (length of a text), `text`, `vision` (arguments of the two configs)
    and `projection_dim`. The loss is CLIP's own: symmetric cross-entropy over the batch.
    Returns the model in evaluation mode, its tokenizer and the loss curve.
    """
    from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig

    torch.manual_seed(optimisation.seed)
    words = sorted({word for texts in captions for text in texts for word in text.split()})
    tokenizer = word_tokenizer(words, architecture["tokens"])
    vision = CLIPVisionConfig(
        image_size=images.shape[-1], num_channels=images.shape[1], **architecture["vision"]
    )
    config = CLIPConfig(
        text_config=text_config(tokenizer, architecture["text"]).to_dict(),
        vision_config=vision.to_dict(),
        projection_dim=architecture["projection_dim"],
    )
    model = CLIPModel(config).to(images.device).train()
    ids = caption_ids(tokenizer, captions).to(images.device)

    def batch_loss(indices: Tensor) -> Tensor:
        text = random_captions(ids[indices])
        return model(input_ids=text, pixel_values=images[indices], return_loss=True).loss

    curve = fit(model, batch_loss, len(images), optimisation)
    return model.eval(), tokenizer, curve
