"""Every key of the configs of the denoising networks, as `conventions` has those of other parts."""

UNUSED = "the network does not use it as it is told nothing of that kind"

_UNET = {
    "honoured": {
        "center_input_sample": True,
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "AttnDownBlock2D"],
        "mid_block_type": "UNetMidBlock2D",
        "up_block_types": ["AttnUpBlock2D", "CrossAttnUpBlock2D"],
        "only_cross_attention": True,
        "block_out_channels": [8, 8],
        "layers_per_block": 2,
        "downsample_padding": 0,
        "mid_block_scale_factor": 2.0,
        "act_fn": "mish",
        "norm_num_groups": 2,
        "norm_eps": 0.1,
        "transformer_layers_per_block": [1, 2],
        "reverse_transformer_layers_per_block": [1, 2],
        "attention_head_dim": 2,
        "use_linear_projection": True,
        "upcast_attention": True,
        "resnet_time_scale_shift": "scale_shift",
        "resnet_skip_time_act": True,
        "resnet_out_scale_factor": 2.0,
        "time_embedding_type": "fourier",
        "time_embedding_dim": 64,
        "time_embedding_act_fn": "silu",
        "timestep_post_act": "silu",
        "conv_in_kernel": 1,
        "conv_out_kernel": 1,
        "mid_block_only_cross_attention": True,
        "cross_attention_norm": "layer_norm",
    },
    "refused": {
        "in_channels": 9,
        "out_channels": 8,
        "cross_attention_dim": 20,
        "num_attention_heads": 2,
        "dual_cross_attention": True,
        "class_embed_type": "timestep",
        "addition_embed_type": "image",
        "num_class_embeds": 3,
        "time_cond_proj_dim": 8,
        "attention_type": "gated",
        "class_embeddings_concat": True,
        "encoder_hid_dim_type": "ip_image_proj",
    },
    "no matter": {"dropout": "of training alone", "addition_embed_type_num_heads": UNUSED},
}
UNET = {
    "stable-diffusion": {
        "honoured": _UNET["honoured"] | {"encoder_hid_dim": 16},
        "refused": _UNET["refused"],
        "no matter": _UNET["no matter"]
        | {
            "sample_size": "images have the size that the model's entry says",
            "addition_time_embed_dim": UNUSED,
            "projection_class_embeddings_input_dim": UNUSED,
        },
    },
    "stable-diffusion-xl": {
        "honoured": _UNET["honoured"] | {"encoder_hid_dim": 24, "sample_size": [8, 12]},
        "refused": _UNET["refused"]
        | {"addition_time_embed_dim": 5, "projection_class_embeddings_input_dim": 37},
        "no matter": _UNET["no matter"],
    },
}
DIT = {
    "honoured": {
        "num_attention_heads": 1,
        "attention_head_dim": 4,
        "out_channels": 4,
        "num_layers": 2,
        "attention_bias": False,
        "sample_size": 16,
        "patch_size": 4,
        "activation_fn": "geglu",
        "num_embeds_ada_norm": 7,
        "upcast_attention": True,
        "norm_elementwise_affine": True,
        "norm_eps": 0.1,
    },
    "refused": {"in_channels": 5, "norm_type": "ada_norm_single"},
    "no matter": {"dropout": "of training alone", "norm_num_groups": UNUSED},
}
PIXART = {
    "honoured": {
        "num_attention_heads": {"num_attention_heads": 3, "attention_head_dim": 4},
        "attention_head_dim": {"num_attention_heads": 1, "attention_head_dim": 12},
        "out_channels": 4,
        "num_layers": 2,
        "cross_attention_dim": 12,
        "attention_bias": False,
        "sample_size": 16,
        "patch_size": 4,
        "activation_fn": "geglu",
        "upcast_attention": True,
        "norm_elementwise_affine": True,
        "norm_eps": 0.1,
        "interpolation_scale": 2,
        # diffusers' pipeline tells sizes to models of 128 x 128 latents alone
        "use_additional_conditions": {"sample_size": 128, "patch_size": 32},
    },
    "refused": {"in_channels": 5, "caption_channels": 20, "norm_type": "layer_norm"},
    "no matter": {
        "dropout": "of training alone",
        "norm_num_groups": UNUSED,
        "num_embeds_ada_norm": UNUSED,
        "attention_type": UNUSED,
    },
}
SD3 = {
    "honoured": {
        "sample_size": 12,
        "patch_size": 4,
        "num_layers": 2,
        "attention_head_dim": {"attention_head_dim": 2, "num_attention_heads": 4},
        "num_attention_heads": {"num_attention_heads": 1, "attention_head_dim": 8},
        "caption_projection_dim": {"caption_projection_dim": 12, "num_attention_heads": 3},
        "pos_embed_max_size": 12,
        "dual_attention_layers": [0],
        "qk_norm": "rms_norm",
    },
    "refused": {
        "in_channels": 5,
        "out_channels": 8,
        "joint_attention_dim": 20,
        "pooled_projection_dim": 20,
    },
    "no matter": {},
}
FLUX = {
    "honoured": {
        "num_layers": 2,
        "num_single_layers": 2,
        "attention_head_dim": {"attention_head_dim": 16, "axes_dims_rope": [4, 6, 6]},
        "num_attention_heads": 1,
        "guidance_embeds": False,
        "axes_dims_rope": [4, 2, 2],
    },
    "refused": {
        "patch_size": 2,
        "in_channels": 20,
        "out_channels": 32,
        "joint_attention_dim": 20,
        "pooled_projection_dim": 20,
    },
    "no matter": {},
}
NETWORKS = {
    **UNET,
    "dit": DIT,
    "pixart": PIXART,
    "stable-diffusion-3": SD3,
    "flux": FLUX,
}
"""Family -> the keys of its network's config."""
