"""Every key of the configs of a model's parts: is it honoured, refused, or of no matter?

`honoured` and `refused` have a value of each key to try, `no matter` says why. `test_conventions`
reads the keys there are from the installed classes, so that one added later has to be put here.
Where a value to try is a mapping, it is of the key and of others that go with it.
"""

SAMPLING = "it spaces, orders or clips the steps of sampling"
NOT_READ = "it says how transformers runs or trains a model, not what the model is"
UNUSED = "the network does not use it as it is told nothing of that kind"

SCHEDULERS = {
    "honoured": {
        "num_train_timesteps": 100,
        "beta_start": 0.0003,
        "beta_end": 0.03,
        "beta_schedule": "scaled_linear",
        "trained_betas": [0.001 * i for i in range(1, 101)],
        "rescale_betas_zero_snr": True,
        "snr_shift_scale": 2.0,
        "prediction_type": "v_prediction",
    },
    "refused": {
        "use_flow_sigmas": True,
        "timestep_type": "continuous",
        "variance_type": "learned",
    },
    "no matter": dict.fromkeys(
        (
            "algorithm_type", "clip_sample", "clip_sample_range", "disable_corrector",
            "dynamic_thresholding_ratio", "eta", "euler_at_final", "final_sigmas_type",
            "flow_shift", "interpolation_type", "lambda_min_clipped", "lower_order_final",
            "noise_sampler_seed", "original_inference_steps", "corrector_order",
            "predict_x0", "predictor_order", "sample_max_value", "set_alpha_to_one",
            "shift_terminal", "sigma_max", "sigma_min", "skip_prk_steps", "solver_order",
            "solver_p", "solver_type", "steps_offset", "tau_func", "thresholding",
            "time_shift_type", "timestep_scaling", "timestep_spacing", "use_beta_sigmas",
            "use_dynamic_shifting", "use_exponential_sigmas", "use_karras_sigmas",
            "use_lu_lambdas",
        ),
        SAMPLING,
    ),
}  # fmt: skip
FLOWS = {
    "honoured": {
        "num_train_timesteps": 100,
        "shift": 2.5,
        "use_dynamic_shifting": True,
        "base_shift": 0.2,
        "max_shift": 3.0,
        "base_image_seq_len": 4,
        "max_image_seq_len": 100,
        "time_shift_type": "linear",
    },
    "refused": {"invert_sigmas": True},
    "no matter": dict.fromkeys(
        (
            "scale_factors", "shift_terminal", "stochastic_sampling", "upscale_mode",
            "use_beta_sigmas", "use_exponential_sigmas", "use_karras_sigmas",
        ),
        SAMPLING,
    ),
}  # fmt: skip
OTHER_SCHEDULERS = (
    "AmusedScheduler", "BlockRefinementScheduler", "CMStochasticIterativeScheduler",
    "CosineDPMSolverMultistepScheduler", "DDPMWuerstchenScheduler", "DiscreteDDIMScheduler",
    "EDMDPMSolverMultistepScheduler", "EDMEulerScheduler", "EntropyBoundScheduler",
    "FlowMapEulerDiscreteScheduler", "HeliosDMDScheduler", "HeliosScheduler", "IPNDMScheduler",
    "KarrasVeScheduler", "LTXEulerAncestralRFScheduler", "MiniMaxH3Scheduler",
    "PiflowScheduler", "RFD4ProteinaScheduler", "SCMScheduler", "ScoreSdeVeScheduler",
    "VQDiffusionScheduler",
)  # fmt: skip
"""Schedulers that are refused: of no betas, or of betas that mean something else."""

VAE = {
    "honoured": {
        "in_channels": 1,
        "out_channels": 3,
        "down_block_types": ["DownEncoderBlock2D", "AttnDownEncoderBlock2D"],
        "up_block_types": ["AttnUpDecoderBlock2D", "UpDecoderBlock2D"],
        "block_out_channels": [8, 16],
        "layers_per_block": 2,
        "act_fn": "mish",
        "latent_channels": 4,
        "norm_num_groups": 2,
        "scaling_factor": 0.7,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
        "mid_block_add_attention": False,
    },
    "no matter": {
        "sample_size": "of tiles alone, which are not used",
        "force_upcast": "of float16 alone, where it is honoured",
    },
}
LATENTS = {"shift_factor": 0.4, "latents_mean": [0.1, -0.2, 0.3, 0.4], "latents_std": [1, 2, 3, 4]}
"""What families do differently: honoured where diffusers' pipeline does, refused elsewhere."""

_TRANSFORMERS = dict.fromkeys(
    (
        "transformers_version", "architectures", "output_hidden_states", "return_dict", "dtype",
        "chunk_size_feed_forward", "is_encoder_decoder", "id2label", "label2id", "problem_type",
        "initializer_range", "initializer_factor", "use_cache", "is_decoder", "classifier_dropout",
        "num_decoder_layers", "attention_dropout", "dropout_rate",
    ),
    NOT_READ,
)  # fmt: skip
CLIP = {
    "honoured": {
        "vocab_size": 60,
        "hidden_size": 8,
        "intermediate_size": 20,
        "projection_dim": 12,
        "num_hidden_layers": 3,
        "num_attention_heads": 1,
        "max_position_embeddings": 12,
        "hidden_act": "gelu",
        "layer_norm_eps": 0.1,
        "pad_token_id": 3,
        "bos_token_id": 2,
        "eos_token_id": 2,  # of old configs, which tell the end by its being the largest number
    },
    "no matter": _TRANSFORMERS,
}
T5 = {
    "honoured": {
        "vocab_size": 40,
        "d_model": 8,
        "d_kv": 8,
        "d_ff": 24,
        "num_layers": 2,
        "num_heads": 3,
        "relative_attention_num_buckets": 8,
        "relative_attention_max_distance": 20,
        "layer_norm_epsilon": 0.1,
        "feed_forward_proj": "relu",
        "pad_token_id": 2,
        "eos_token_id": 3,
    },
    "no matter": _TRANSFORMERS,
}

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
PIPELINES = {
    "stable-diffusion": {"no matter": {"requires_safety_checker": "nothing is drawn"}},
    "stable-diffusion-xl": {
        "honoured": {"force_zeros_for_empty_prompt": False},
        "refused": {"requires_aesthetics_score": True},
        "no matter": {"add_watermarker": "nothing is drawn"},
    },
    "dit": {"no matter": {"id2label": "classes are told by number"}},
    "pixart": {},
    "stable-diffusion-3": {},
    "flux": {},
}
COMPONENTS = {
    "vae", "unet", "transformer", "scheduler", "text_encoder", "text_encoder_2", "text_encoder_3",
    "tokenizer", "tokenizer_2", "tokenizer_3", "safety_checker", "feature_extractor",
    "image_encoder",
}  # fmt: skip
"""A pipeline's parts, which have configs of their own; nothing is asked of the last three."""
