"""Models: their weights and how they are trained."""

from .deletion import DELETE

TRAINING = "models/digits-dit/training"

SD = "models/sd/training"

CLIP = "models/clip/training"

DIGITS = {
    "missing oversampling": (f"{TRAINING}/augmentation/oversample", DELETE, ["`oversample`"]),
    "scientific notation": (
        f"{TRAINING}/optimisation/learning_rate",
        "3e-3",
        ["learning_rate: ", "'3e-3'", "a number", "without quotes", "0.0003"],
    ),
    "infinity": (f"{TRAINING}/optimisation/learning_rate", float("inf"), ["inf", "a number"]),
    "two numbers of three": (
        "models/digits-dit/latent_shape",
        [16, 16],
        ["models.digits-dit.latent_shape: ", "[16, 16]", "a list of at least 3"],
    ),
    "no learning": (
        f"{TRAINING}/optimisation/learning_rate",
        0,
        ["learning_rate: ", "found 0", "more than 0"],
    ),
    "memory of one": (f"{TRAINING}/optimisation/ema", 1, ["ema: ", "found 1", "less than 1"]),
    "a name with a space": (
        "models/my model",
        {},
        ["models: ", "the name 'my model'", "letters, digits", "rename"],
    ),
    "unknown family": (
        "models/digits-dit/family",
        "unet",
        ["models.digits-dit.family: ", "'unet'", "`dit`", "correct it"],
    ),
    "a hub without a revision": (
        "models/digits-dit/weights",
        {"hub": "facebook/DiT-XL-2-256"},
        ["models.digits-dit.weights: ", "`hub`", "`revision`", "add"],
    ),
    "a diffusion model of torchvision": (
        "models/digits-dit/weights",
        {"torchvision": "ViT_B_16_Weights.IMAGENET1K_V1"},
        ["models.digits-dit.weights: ", "has no such models", "correct it"],
    ),
    "a LoRA of a class-conditional model": (
        "models/digits-dit/lora",
        {"weights": "lora.safetensors"},
        ["models.digits-dit.lora: ", "family dit", "stable-diffusion", "leave `lora` out"],
    ),
    "neither text nor mapping": (
        "models/digits-dit/weights",
        5,
        ["models.digits-dit.weights: ", "found 5", "a text or a mapping of keys"],
    ),
    "a training that is not shipped": (
        "models/digits-dit",
        {
            "label": "DiT",
            "family": "dit",
            "weights": "shipped",
            "seeds": [0, 907],
            "latent_shape": [1, 16, 16],
            "preprocess": {"mode": "L", "pad": 2, "size": 16},
        },
        ["models.digits-dit.seeds: ", "found 907", "shipped (0", "`weights: train`"],
    ),
    "seeds of a folder": (
        "models/digits-dit",
        {
            "label": "DiT",
            "family": "dit",
            "weights": "resources/models/digits-dit",
            "seeds": [0, 1],
            "latent_shape": [1, 16, 16],
            "preprocess": {"mode": "L", "pad": 2, "size": 16},
        },
        ["models.digits-dit.seeds: ", "`shipped` or `train`", "leave `seeds` out"],
    ),
    "no such weights": (
        "models/digits-dit/weights",
        "absent",
        ["models.digits-dit.weights: ", "'absent'", "no such folder", "`shipped`, `train`"],
    ),
}

SCENES = {
    "training what is not trained here": (
        "models/other",
        {
            **{"label": "PixArt", "family": "pixart", "weights": "train"},
            **{"latent_shape": [4, 8, 8], "preprocess": {"size": 32}, "training": {}},
        },
        ["models.other.weights: ", "`train`", "family pixart", "stable-diffusion", "name a folder"],
    ),
    "no family": (
        "models/clip/family",
        DELETE,
        ["models.clip: ", "`family` is missing", "add it"],
    ),
    "no latents": (
        "models/sd/latent_shape",
        DELETE,
        ["models.sd: ", "`latent_shape` is missing", "add it"],
    ),
    "augmented CLIP": (
        f"{CLIP}/augmentation",
        {},
        ["models.clip.training: ", "`augmentation`", "`architecture`, `data`", "remove it"],
    ),
    "no vision": (
        f"{CLIP}/architecture/vision",
        DELETE,
        [
            "models.clip.training.architecture: ",
            "`vision` is missing",
            "`text` and `vision`",
            "add",
        ],
    ),
    "texts of nothing": (
        f"{CLIP}/architecture/tokens",
        2,
        ["models.clip.training.architecture.tokens: ", "found 2", "at least 3"],
    ),
    "no text encoder": (
        f"{SD}/text_encoder",
        DELETE,
        ["models.sd.training: ", "`text_encoder` is missing", "add it"],
    ),
    "unknown text encoder": (
        f"{SD}/text_encoder",
        "clap",
        ["models.sd.training.text_encoder: ", "CLIP model `clap`", "one of `clip`", "`clip`?"],
    ),
    "text encoder that is no CLIP": (
        f"{SD}/text_encoder",
        "sd",
        ["models.sd.training.text_encoder: ", "CLIP model `sd`", "one of `clip`", "add it"],
    ),
    "trained without captions": (
        f"{SD}/data",
        "shapes",
        ["models.sd.training.data: ", "`shapes`", "no captions", "`task: captions`", "choose"],
    ),
    "CLIP trained without captions": (
        f"{CLIP}/data",
        "shapes",
        ["models.clip.training.data: ", "`shapes`", "no captions", "`task: captions`", "choose"],
    ),
}
