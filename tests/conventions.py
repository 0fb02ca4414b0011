"""Every key of the configs of a model's parts: is it honoured, refused, or of no matter?

`honoured` and `refused` have a value of each key to try, `no matter` says why. `test_conventions`
reads the keys there are from the installed classes, so that one added later has to be put here.
Where a value to try is a mapping, it is of the key and of others that go with it.
"""

SAMPLING = "it spaces, orders or clips the steps of sampling"
NOT_READ = "it says how transformers runs or trains a model, not what the model is"

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
