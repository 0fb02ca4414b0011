"""What is said of the images on which tiny models are trained, and their parts."""

SAID = ["a", "above", "blue", "circle", "left", "of", "red", "square"]


TINY = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
TEXT = {**TINY, "num_attention_heads": 2}
CLIP = {"tokens": 6, "projection_dim": 8, "text": TEXT, "vision": {**TEXT, "patch_size": 4}}
VAE = {
    "block_out_channels": [4, 8],
    "latent_channels": 2,
    "norm_num_groups": 2,
    "sample_size": 8,
    "mid_block_add_attention": False,
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
}
UNET = {
    "sample_size": 4,
    "in_channels": 2,
    "out_channels": 2,
    "block_out_channels": [8, 16],
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "cross_attention_dim": 16,
    "attention_head_dim": 2,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
}
