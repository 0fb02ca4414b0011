"""Mistakes in a config: where, what is put there, what the message has to say."""

DELETE = object()

# where, what is put there, what the message says: key, found, expected, remedy
STAGES = "evaluations/digits/stages"
TRAINING = "models/digits-dit/training"
BAD = {
    # keys
    "unknown key": ("resluts", "out", ["the config", "`resluts`", "did you mean `results`?"]),
    "unknown deep key": (
        f"{STAGES}/sampels",
        [5],
        ["evaluations.digits.stages", "`sampels`", "one of", "`keep`", "did you mean `samples`?"],
    ),
    "unlike any key": ("noise/qqq", 1, ["noise: ", "`qqq`", "`seed`, `size`", "remove it"]),
    "missing key": ("results", DELETE, ["the config", "`results` is missing", "add it"]),
    "missing deep key": (
        "evaluations/digits/model",
        DELETE,
        ["evaluations.digits: ", "keys `label`, `stages`", "`model` is missing", "add it"],
    ),
    "missing all keys": (
        "noise",
        {},
        ["noise: ", "none", "`seed` is missing", "`seed` and `size`"],
    ),
    "missing oversampling": (f"{TRAINING}/augmentation/oversample", DELETE, ["`oversample`"]),
    "network without budget": (
        "baselines/resnet-8/optimisation",
        DELETE,
        ["baselines.resnet-8: ", "`optimisation` is missing", "add it"],
    ),
    "neither of two ways": (
        "datasets/mnist/source",
        DELETE,
        ["datasets.mnist: ", "`limit`", "either `source`, or `pool`, `wrong_by` and `limit`"],
    ),
    "both ways": (
        "prompts/digits/file",
        "a.csv",
        [
            "prompts.digits: ",
            "found the keys `classes`, `templates`, `file`",
            "either `classes` and `templates`, or `file`",
            "not both",
            "remove",
        ],
    ),
    "no prompts at all": ("prompts/digits", {}, ["prompts.digits: ", "none of its keys", "either"]),
    # types and values
    "text for number": ("noise/size", "many", ["noise.size: ", "'many'", "a whole number"]),
    "scientific notation": (
        f"{TRAINING}/optimisation/learning_rate",
        "3e-3",
        ["learning_rate: ", "'3e-3'", "a number", "without quotes", "0.0003"],
    ),
    "fraction for whole": ("noise/size", 2.5, ["noise.size: ", "2.5", "a whole number"]),
    "float for whole": ("noise/size", 250.0, ["noise.size: ", "250.0", "a whole number"]),
    "truth for number": ("noise/seed", True, ["noise.seed: ", "True", "a whole number"]),
    "not a number": ("datasets/mnist-noise/shift/sigma", float("nan"), ["shift.sigma: ", "nan"]),
    "infinity": (f"{TRAINING}/optimisation/learning_rate", float("inf"), ["inf", "a number"]),
    "number for text": (
        "prompts/digits/classes",
        ["0", 1],
        ["prompts.digits.classes.1: ", "found 1", "a text", "in quotes"],
    ),
    "nothing for mapping": ("datasets", None, ["datasets: ", "None", "a mapping of keys"]),
    "list for mapping": ("noise", [0, 250], ["noise: ", "[0, 250]", "a mapping of keys"]),
    "one for list": (f"{STAGES}/samples", 25, ["stages.samples: ", "25", "a list", "correct"]),
    "empty list": (f"{STAGES}/samples", [], ["stages.samples: ", "[]", "a list of at least 1"]),
    "two numbers of three": (
        "models/digits-dit/latent_shape",
        [16, 16],
        ["models.digits-dit.latent_shape: ", "[16, 16]", "a list of at least 3"],
    ),
    "zero": (f"{STAGES}/samples", [0], ["stages.samples.0: ", "found 0", "at least 1"]),
    "no learning": (
        f"{TRAINING}/optimisation/learning_rate",
        0,
        ["learning_rate: ", "found 0", "more than 0"],
    ),
    "memory of one": (f"{TRAINING}/optimisation/ema", 1, ["ema: ", "found 1", "less than 1"]),
    "empty text": ("results", "", ["results: ", "''", "at least 1 character"]),
    "unknown device": ("compute/device", "gpu", ["compute.device: ", "'gpu'", "cuda:<number>"]),
    "twice the same": (
        "tables/robustness/methods",
        ["digits", "digits"],
        ["tables.robustness.methods: ", "'digits'", "nothing twice", "correct"],
    ),
    "a name with a space": (
        "models/my model",
        {},
        ["models: ", "the name 'my model'", "letters, digits", "rename"],
    ),
    # names of choices
    "unknown loss": (
        f"{STAGES}/loss",
        "l3",
        ["stages.loss: ", "'l3'", "`l1`, `l2`, `huber`, `vlb`, `l2+vlb`", "correct it"],
    ),
    "unknown family": (
        "models/digits-dit/family",
        "unet",
        ["models.digits-dit.family: ", "'unet'", "`dit`", "correct it"],
    ),
    "unknown combination": ("evaluations/digits/combine", "max", ["combine", "`mean`, `best`"]),
    "unknown source": ("datasets/mnist/source", "minst", ["'minst'", "did you mean `mnist`?"]),
    "unknown dtype": ("evaluations/digits/dtype", "float23", ["dtype", "did you mean `float32`?"]),
    "unknown prompts": (
        "datasets/mnist/prompts",
        "digit",
        ["datasets.mnist.prompts: ", "`digit`", "`digits`", "did you mean `digits`?"],
    ),
    "unknown model": (
        "evaluations/digits/model",
        "digit-dit",
        ["evaluations.digits.model: ", "unknown model `digit-dit`", "did you mean `digits-dit`?"],
    ),
    "unknown data set": (
        "tables/robustness/datasets",
        ["mnist", "cifar"],
        ["tables.robustness.datasets: ", "unknown data set `cifar`", "`uci-digits`", "add it"],
    ),
    "unknown method": (
        "tables/robustness/methods",
        ["digits", "resnet-9"],
        ["tables.robustness.methods: ", "`resnet-9`", "did you mean `resnet-"],
    ),
    "unknown training data": (
        "baselines/k-nearest/train",
        "mnist-trian",
        ["baselines.k-nearest.train: ", "`mnist-trian`", "did you mean `mnist-train`?"],
    ),
    "unknown curves": (
        "tables/robustness/curves/evaluation",
        "digits-exhausted",
        ["curves.evaluation: ", "did you mean `digits-exhaustive`?"],
    ),
    "curves of a pruned evaluation": (
        "tables/robustness/curves/evaluation",
        "digits",
        ["curves.evaluation: ", "`digits`", "2 stages", "a single stage", "choose another"],
    ),
    "wrong by what is no network": (
        "datasets/mnist-adversarial/wrong_by",
        "k-nearest",
        ["datasets.mnist-adversarial.wrong_by: ", "`k-nearest`", "`resnet-16-seed0`"],
    ),
    "a pool of itself": (
        "datasets/mnist-adversarial/pool",
        "mnist-adversarial",
        [
            "datasets.mnist-adversarial.pool: ",
            "`mnist-adversarial`",
            "expected one of `mnist-train`",
        ],
    ),
    # numbers that do not fit together
    "keep too long": (
        f"{STAGES}/keep",
        [4, 2, 1],
        ["evaluations.digits.stages.keep: ", "3 entries", "[4, 2, 1]", "per stage"],
    ),
    "keep not ending in one": (f"{STAGES}/keep", [4, 2], ["stages.keep: ", "[4, 2]", "end in 1"]),
    "samples not dividing": (
        f"{STAGES}/samples",
        [15, 50],
        ["evaluations.digits.stages.samples: ", "15", "divisor of 50"],
    ),
    "not dividing the schedule": (
        f"{STAGES}/samples",
        [10, 60],
        ["evaluations.digits.stages.samples: ", "60", "divisor of 1000"],
    ),
    "more than the noise bank": (
        "noise/size",
        40,
        ["evaluations.digits.stages.samples: ", "has 40", "`noise: size`", "at least 50"],
    ),
    "training what is not trained here": (
        "models/digits-dit",
        {
            "label": "SD",
            "family": "stable-diffusion",
            "weights": "train",
            "latent_shape": [4, 8, 8],
            "preprocess": {"size": 16},
            "training": {
                "data": "mnist",
                "architecture": {},
                "scheduler": {},
                "optimisation": {"steps": 1, "batch_size": 1, "learning_rate": 0.1},
                "augmentation": {"oversample": 1},
                "timestep_logit": [0, 1],
            },
        },
        ["models.digits-dit.weights: ", "`train`", "stable-diffusion", "name a folder"],
    ),
    "a table without a diffusion model": (
        "tables/robustness/methods",
        ["k-nearest"],
        ["tables.robustness.methods: ", "no evaluation", "at least one", "add one of `digits`"],
    ),
    "curves on a data set that the table lacks": (
        "tables/robustness/curves/dataset",
        "mnist-pool",
        ["tables.robustness.curves.dataset: ", "`mnist-pool`", "expected one of `mnist`"],
    ),
    "copies that are all equal": (
        "datasets/mnist/copies",
        3,
        ["datasets.mnist.copies: ", "found 3", "`shift` is missing", "add a `shift` or leave"],
    ),
    "a split of what has none": (
        "datasets/uci-digits/split",
        "train",
        ["datasets.uci-digits.split: ", "'train'", "uci-digits has no splits", "leave it out"],
    ),
    "a limit too large": (
        "datasets/mnist/limit",
        1001,
        ["datasets.mnist.limit: ", "1001", "at most 1000", "lower it"],
    ),
    "a limit beyond all copies": (
        "datasets/mnist-adversarial/limit",
        10001,
        ["datasets.mnist-adversarial.limit: ", "10001", "at most 10000", "lower it"],
    ),
    "a template without a place": (
        "prompts/digits/templates",
        ["a photo"],
        ["prompts.digits.templates: ", "'a photo'", "exactly one {}", "correct"],
    ),
    "a template with two places": ("prompts/digits/templates", ["{} {}"], ["exactly one {}"]),
    "a class twice": (
        "prompts/digits/classes",
        ["0", "1", "0"],
        ["prompts.digits.classes: ", "'0' twice", "different", "remove"],
    ),
    "no such prompts file": (
        "prompts/digits",
        {"file": "absent.csv"},
        ["prompts.digits.file: ", "'absent.csv'", "does not exist", "correct the path"],
    ),
    "no such weights": (
        "models/digits-dit/weights",
        "absent",
        ["models.digits-dit.weights: ", "'absent'", "no such folder", "`shipped`, `train`"],
    ),
}
