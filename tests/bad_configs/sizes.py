"""Sizes that cannot be meant, anywhere: bytes, counts, and folders for results that are taken."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
HUGE = 10**12
FOUND = f"found {HUGE}"

STAGES = "evaluations/digits/stages"
DIT = "models/digits-dit/training"
SD = "models/sd/training/architecture"


def most(key, limit, value=HUGE):
    """A number that has a bound of its own in the schema."""
    path = key.replace(".", "/")
    return (path, value, [f"{key}: ", f"found {value!r}", f"at most {limit}", "correct it"])


def folder(name, *message):
    return ("results", str(name), ["results: ", repr(str(name)), *message, "name one"])


DIGITS = {
    "noises of a petabyte": (
        "noise/size",
        HUGE,
        [
            "noise.size: ",
            FOUND,
            "a bank of 1.02 PB",
            "the available memory",
            "cluster's nodes",
            ".mem_mb",
        ],
    ),
    "latents of terabytes": (
        "models/digits-dit/latent_shape",
        [1, HUGE, HUGE],
        ["models.digits-dit.latent_shape: ", "a single latent of 4e+06 EB", "memory", "correct it"],
    ),
    "images of exabytes": (
        "models/digits-dit/preprocess/size",
        HUGE,
        ["models.digits-dit.preprocess.size: ", FOUND, "a single image of", "EB", "lower it"],
    ),
    "a baseline's images of exabytes": (
        "baselines/k-nearest/preprocess/size",
        HUGE,
        ["baselines.k-nearest.preprocess.size: ", FOUND, "a single image of", "lower it"],
    ),
    "a pass of a petabyte": (
        "evaluations/digits/batch_size",
        HUGE,
        ["evaluations.digits.batch_size: ", FOUND, "a pass of 1.02 PB", "use `auto`"],
    ),
    "a wide network": (
        "baselines/resnet-8/params/width",
        1_000_000,
        ["baselines.resnet-8.params.width: ", "a single layer of 16 TB", "lower it"],
    ),
    "a network that doubles for ever": (
        "baselines/resnet-8/params/stages",
        500,
        ["baselines.resnet-8.params.stages: ", "found 500", "twice", "at most 10", "lower it"],
    ),
    "a deep network": (
        f"{DIT}/architecture/num_layers",
        HUGE,
        ["training.architecture.num_layers: ", "found 1e+12", "at most 1,000", "correct it"],
    ),
    "a network without layers": (
        f"{DIT}/architecture/num_layers",
        0,
        ["training.architecture.num_layers: ", "found 0", "a whole number from 1 on", "correct it"],
    ),
    "infinity among a network's arguments": (
        f"{DIT}/scheduler/beta_start",
        float("inf"),
        ["training.scheduler.beta_start: ", "no computer has", "correct it"],
    ),
    "more neighbours than images": (
        "baselines/k-nearest/params",
        {"n_neighbors": 4001},
        ["k-nearest.params.n_neighbors: ", "found 4001", "at most 4000", "training images"],
    ),
    "more shards than images": (
        "datasets/mnist/shards",
        501,
        ["datasets.mnist.shards: ", "found 501", "at most 500", "images", "lower it"],
    ),
    "copies without end": (
        "datasets/mnist-pool/copies",
        HUGE,
        ["datasets.mnist-pool.copies: ", FOUND, "at most 1,000,000,000", "lower it"],
    ),
    "an image beyond the last": (
        "datasets/mnist",
        {"label": "M", "source": "mnist", "indices": [0, 1000], "prompts": "digits"},
        ["datasets.mnist.indices: ", "found 1000", "at most 999", "the last image", "lower it"],
    ),
    "more classes kept than there are": (
        STAGES,
        {"samples": [10, 50], "keep": [99999, 1], "loss": "l2"},
        [f"{STAGES.replace('/', '.')}.keep: ", "[99999, 1]", "at most 10", "classes of mnist"],
    ),
    "more classes kept of a data set than it has": (
        "evaluations/digits/stages_for",
        {"mnist": {"samples": [10, 50], "keep": [11, 1], "loss": "l2"}},
        ["evaluations.digits.stages_for.mnist.keep: ", "[11, 1]", "at most 10", "of mnist; lower"],
    ),
    "a prior that keeps more than any set of classes has": (
        "evaluations/digits/prior",
        {"method": "k-nearest", "keep": 99999},
        ["evaluations.digits.prior.keep: ", "found 99999", "at most 10", "lower it"],
    ),
    "more parts than classes": (
        "evaluations/digits/class_parts",
        11,
        ["evaluations.digits.class_parts: ", "found 11", "at most 10", "classes of mnist"],
    ),
    "more trials than noises": (
        f"{STAGES}/trials",
        HUGE,
        [f"{STAGES.replace('/', '.')}.trials: ", FOUND, "the noise bank has 250", "lower it"],
    ),
    "more samples than timesteps": (
        f"{STAGES}/samples",
        [10, HUGE],
        ["evaluations.digits.stages.samples: ", str(HUGE), "divisor of 1000"],
    ),
    "a race that cannot begin": (
        f"{STAGES}/race",
        {"z": 2, "minimum": 51},
        ["stages.race.minimum: ", "found 51", "at most 50", "samples of the race", "lower it"],
    ),
    "jobs without end": (
        "datasets/uci-digits/shards",
        HUGE,
        ["datasets.uci-digits.shards: ", FOUND, "at most 500", "lower it"],
    ),
    "a number of 400 digits": (
        "noise/size",
        10**400,
        ["noise.size: ", "...", "a whole number", "correct it"],
    ),
    "a rate that takes for ever": ("evaluations/digits/rate", 1e-308, ["rate: ", "at least 1e-06"]),
    "steps without end": most("models.digits-dit.training.optimisation.steps", 10**8),
    "a leap for a step": most("models.digits-dit.training.optimisation.learning_rate", 100, 1e308),
    "noise beyond all": most("datasets.mnist-noise.shift.sigma", 1000, 1e308),
    "a seed of 128 bits": most("noise.seed", 4294967295),
    "memory beyond all": (
        "models/digits-dit/mem_mb",
        HUGE,
        ["models.digits-dit.mem_mb: ", FOUND, "at most 100000000", "correct it"],
    ),
    "a device beyond all": (
        "compute/device",
        f"cuda:{HUGE}",
        ["compute.device: ", "cuda:<number>"],
    ),
    # --- a model's parts
    "latents that are not the pixels": (
        "models/digits-dit",
        {
            **{"label": "D", "family": "dit", "weights": "shipped", "latent_shape": [4, 16, 16]},
            **{"preprocess": {"mode": "L", "size": 16}},
        },
        ["digits-dit.latent_shape: ", "[4, 16, 16]", "no VAE, takes [1, 16, 16]", "set it"],
    ),
    "positions that a transformer lacks": (
        "models/digits-dit",
        {
            **{"label": "D", "family": "dit", "weights": "shipped", "latent_shape": [1, 32, 32]},
            **{"preprocess": {"mode": "L", "size": 32}},
        },
        [
            "digits-dit.latent_shape: ",
            "[1, 32, 32]",
            "only for latents with sides of 16",
            "trained on",
        ],
    ),
    # --- folders for results
    "results in the working directory": folder(".", "is the working directory"),
    "results around the working directory": folder("..", "is around the working directory"),
    "results everywhere": folder("/", "is around the working directory"),
    "results in the project": folder(ROOT, "is the project"),
    "results among the rules": folder(ROOT / "rules", "the project's own folder 'rules'"),
    "results in resources": folder(ROOT / "resources/new", "the project's own folder 'resources'"),
    "the home of nobody": (
        "results",
        "~nobody-there/x",
        ["results: ", "no home folder", "in full"],
    ),
}

SCENES = {
    "images sampled without end": (
        "datasets/shapes-synthetic/per_class",
        HUGE,
        ["datasets.shapes-synthetic.per_class: ", FOUND, "at most 1,000,000,000", "lower it"],
    ),
    "a VAE of terabytes": (
        f"{SD}/vae/block_out_channels",
        [4, 8, 1_000_000],
        ["models.sd.training.architecture.vae.block_out_channels.2: ", "16 TB", "lower it"],
    ),
    "more reconstructions than images": (
        "tables/accuracy/reconstructions/images",
        13,
        ["tables.accuracy.reconstructions.images: ", "found 13", "at most 12", "lower it"],
    ),
    "more examples shown than there are": (
        "tables/winoground/examples",
        10,
        ["tables.winoground.examples: ", "found 10", "at most 9", "lower it"],
    ),
    "latents that the VAE does not make": (
        "models/sd/latent_shape",
        [8, 8, 8],
        ["models.sd.latent_shape: ", "[8, 8, 8]", "32 pixels", "makes [4, 8, 8]", "preprocess"],
    ),
    "latents of other images": (
        "models/sd/preprocess",
        {"mode": "RGB", "size": 64},
        ["models.sd.latent_shape: ", "[4, 8, 8]", "64 pixels", "makes [4, 16, 16]", "set it"],
    ),
    "grey images for a VAE of colours": (
        "models/sd",
        {
            **{"label": "S", "family": "stable-diffusion", "latent_shape": [8, 8, 8]},
            **{"weights": str(ROOT / "resources/models/scenes-sd")},
            **{"preprocess": {"mode": "L", "size": 32}},
        },
        ["models.sd.preprocess.mode: ", "found L", "VAE takes 3", "change it"],
    ),
    "latents that the UNet cannot halve": (
        "models/sd",
        {
            **{"label": "S", "family": "stable-diffusion", "latent_shape": [8, 9, 9]},
            **{"weights": str(ROOT / "resources/models/scenes-sd")},
            **{"preprocess": {"mode": "RGB", "size": 36}},
        },
        ["models.sd.latent_shape: ", "[8, 9, 9]", "sides that 2 divides", "UNet halves"],
    ),
    "a model of fewer timesteps": (
        "models/sd/training/scheduler/num_train_timesteps",
        500,
        ["evaluations.staged.model: ", "500 timesteps", "1000", "choose another"],
    ),
}
