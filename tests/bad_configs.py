"""Mistakes in a config: where, what is put there, what the message has to say.

BAD spoils a config of class-conditional digits, SCENES one of text-to-image models.
"""

from pathlib import Path

DELETE = object()
PAPER = str(Path(__file__).parents[1] / "config" / "published.csv")

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
            "either `classes` and `templates`, or `file`, or `captions`",
            "only one of these",
            "remove",
        ],
    ),
    "no prompts at all": (
        "prompts/digits",
        {},
        ["prompts.digits: ", "found none of these keys", "either", "only one of these"],
    ),
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
        [
            "evaluations.digits.model: ",
            "unknown diffusion model `digit-dit`",
            "did you mean `digits-dit`?",
        ],
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
        [
            "datasets.uci-digits.split: ",
            "'train'",
            "the source uci-digits has no such key",
            "expected some of `limit`, `skip`, `indices`, `shift`, `copies`",
            "leave it out",
        ],
    ),
    "a split that MNIST does not have": (
        "datasets/mnist/split",
        "validation",
        ["datasets.mnist.split: ", "'validation'", "one of train, test", "correct it"],
    ),
    "a source that needs more": (
        "datasets/mnist/source",
        "scenes",
        ["datasets.mnist: ", "the source scenes", "`task` it needs is missing", "add it"],
    ),
    "a pool and a source": (
        "datasets/mnist/pool",
        "mnist-pool",
        ["datasets.mnist.pool: ", "'mnist-pool'", "the source mnist has no such key", "leave"],
    ),
    "a pool that is shifted": (
        "datasets/mnist-adversarial/shift",
        {"kind": "noise"},
        ["mnist-adversarial.shift: ", "'noise'", "a data set with a `pool` has no such", "leave"],
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
    "no such class list": (
        "prompts/digits",
        {"classes": "food10", "templates": ["a {}"]},
        ["prompts.digits.classes: ", "`food10`", "`food101`"],
    ),
    "a data set that torchvision unpickles": (
        "datasets/mnist",
        {"label": "C", "source": "torchvision", "dataset": "CIFAR10", "root": "data"},
        [
            "datasets.mnist.dataset: ",
            "`CIFAR10`",
            "pickles, which can run code",
            "use `source: huggingface` with `dataset: uoft-cs/cifar10`",
        ],
    ),
    "a data set that torchvision does not have": (
        "datasets/mnist",
        {"label": "F", "source": "torchvision", "dataset": "food101", "root": "data"},
        ["datasets.mnist.dataset: ", "`food101`", "`Food101`, `FGVC", "did you mean `Food101`?"],
    ),
    "a split that torchvision does not have": (
        "datasets/mnist",
        {"label": "F", "source": "torchvision", "dataset": "Food101", "root": "d", "split": "val"},
        ["datasets.mnist.split: ", "'val'", "train, test, which Food101 has", "correct it"],
    ),
    "chosen images and a number of them": (
        "datasets/mnist/indices",
        [1, 2],
        ["datasets.mnist.indices: ", "beside `limit`", "leave one out"],
    ),
    "skipping all images": (
        "datasets/mnist/skip",
        1000,
        ["datasets.mnist.limit: ", "after skipping 1000", "at most 1000", "lower it"],
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
    "stages for no data set": (
        "evaluations/digits/stages_for",
        {"minst": {"samples": [8], "keep": [1], "loss": "l2"}},
        ["evaluations.digits.stages_for: ", "`minst`", "did you mean `mnist`?"],
    ),
    "stages for a data set that make no sense": (
        "evaluations/digits/stages_for",
        {"mnist": {"samples": [8, 40], "keep": [1], "loss": "l2"}},
        ["evaluations.digits.stages_for.mnist.keep: ", "2 stages"],
    ),
    "a pretrained network that is not there": (
        "baselines/clip",
        {"label": "R", "kind": "pretrained", "weights": "nowhere"},
        ["baselines.clip.weights: ", "'nowhere'", "no such folder", "correct it"],
    ),
    "neither text nor mapping": (
        "models/digits-dit/weights",
        5,
        ["models.digits-dit.weights: ", "found 5", "a text or a mapping of keys"],
    ),
    "a template twice": (
        "prompts/digits/templates",
        ["a {}", "a {}"],
        ["prompts.digits.templates: ", "'a {}'", "nothing twice", "correct"],
    ),
    "too few classes": (
        "prompts/digits/classes",
        ["0", "1"],
        [
            "prompts.digits.classes: ",
            "found 2 class names",
            "expected 10",
            "datasets.mnist",
            "name",
        ],
    ),
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

SD = "models/sd/training"
CLIP = "models/clip/training"
RESNET = {
    "label": "ResNet",
    "kind": "resnet",
    "params": {},
    "preprocess": {"size": 32},
    "optimisation": {"steps": 1, "batch_size": 1, "learning_rate": 0.1},
}


def robustness(*methods):
    """A table that is only asked for here."""
    return {
        "subtitle": "",
        "datasets": ["shapes", "sizes"],
        "methods": ["exhaustive", *methods],
        "loss": "l2",
        "curves": {"evaluation": "exhaustive", "dataset": "shapes"},
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
    # prompts
    "captions of nothing": (
        "prompts/winoground/captions",
        "winogrund",
        ["prompts.winoground.captions: ", "data set `winogrund`", "`captions`", "`winoground`?"],
    ),
    "text for truth": (
        "prompts/winoground/unconditional",
        "yes",
        ["winoground.unconditional: ", "'yes'", "true or false", "write `true` or `false`"],
    ),
    "captions and a file": (
        "prompts/winoground/file",
        "a.csv",
        ["prompts.winoground: ", "found the keys `captions`, `file`", "or `captions`", "only one"],
    ),
    "one class of six": (
        "prompts/shapes/classes",
        ["circle"],
        ["prompts.shapes.classes: ", "found 1 class names", "expected 6", "datasets.shapes"],
    ),
    # data sets
    "unknown task": (
        "datasets/shapes/task",
        "shape",
        ["datasets.shapes.task: ", "'shape'", "`colour-shape`", "did you mean `shapes`?"],
    ),
    "no task": (
        "datasets/shapes/task",
        DELETE,
        ["datasets.shapes: ", "the source scenes", "`task` it needs is missing", "add it"],
    ),
    "no examples per tag": (
        "datasets/winoground/per_tag",
        DELETE,
        ["datasets.winoground: ", "source scenes-winoground", "`per_tag` it needs is missing"],
    ),
    "examples per tag of plain scenes": (
        "datasets/shapes/per_tag",
        3,
        ["datasets.shapes.per_tag: ", "found 3", "scenes has no such key", "`task`", "leave it"],
    ),
    "shifted examples": (
        "datasets/winoground/shift",
        {"kind": "noise"},
        ["datasets.winoground.shift: ", "scenes-winoground has no such key", "`limit`", "leave"],
    ),
    "more examples than there are": (
        "datasets/winoground/limit",
        10,
        ["datasets.winoground.limit: ", "10", "at most 9, the number of examples", "lower it"],
    ),
    "more scenes than there are": (
        "datasets/shapes-validation/limit",
        501,
        ["datasets.shapes-validation.limit: ", "501", "at most 500, the number of images", "lower"],
    ),
    "Winoground without a file": (
        "datasets/winoground",
        {"label": "W", "source": "winoground", "prompts": "winoground"},
        ["datasets.winoground: ", "none of these keys", "either `file`, or `dataset`", "add"],
    ),
    "no such Winoground": (
        "datasets/winoground",
        {"label": "W", "source": "winoground", "file": "absent.parquet", "prompts": "winoground"},
        ["winoground.file: ", "'absent.parquet'", "not exist", "a Parquet file", "correct the"],
    ),
    "a folder without a path": (
        "datasets/shapes",
        {"label": "Mine", "source": "folder", "prompts": "shapes"},
        ["datasets.shapes: ", "the source folder", "`path` it needs is missing", "add it"],
    ),
    "sampled from an unknown model": (
        "datasets/shapes-synthetic/model",
        "sdd",
        ["shapes-synthetic.model: ", "text-to-image model `sdd`", "one of `sd`", "mean `sd`?"],
    ),
    "sampled from a CLIP": (
        "datasets/shapes-synthetic/model",
        "clip",
        ["shapes-synthetic.model: ", "text-to-image model `clip`", "one of `sd`", "correct it"],
    ),
    "sampled without guidance": (
        "datasets/shapes-synthetic/guidance",
        DELETE,
        ["datasets.shapes-synthetic: ", "`model`, `per_class`, `guidance`, `steps` and `prompts`"],
    ),
    "sampled and limited": (
        "datasets/shapes-synthetic/limit",
        3,
        ["shapes-synthetic.limit: ", "found 3", "with a `model` has no such key", "leave it out"],
    ),
    "sampled and drawn": (
        "datasets/shapes/model",
        "sd",
        ["datasets.shapes.model: ", "'sd'", "the source scenes has no such key", "leave it out"],
    ),
    # models
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
    "CLIP as a denoiser": (
        "evaluations/exhaustive/model",
        "clip",
        ["evaluations.exhaustive.model: ", "diffusion model `clip`", "one of `sd`", "correct it"],
    ),
    # baselines
    "no kind": (
        "baselines/features/kind",
        DELETE,
        ["baselines.features: ", "`kind` is missing", "`label` and `kind`", "add it"],
    ),
    "neither one set nor tasks": (
        "baselines/synthetic/tasks",
        DELETE,
        ["baselines.synthetic: ", "none of these", "either `train`, or `tasks`", "not both", "add"],
    ),
    "both one set and tasks": (
        "baselines/synthetic/train",
        "shapes-train",
        ["baselines.synthetic: ", "`tasks`, `train`", "either `train`, or `tasks`", "not both"],
    ),
    "no layers": (
        "baselines/features/layers",
        DELETE,
        ["baselines.features: ", "`layers` is missing", "add it"],
    ),
    "probe of a CLIP": (
        "baselines/features/model",
        "clip",
        ["baselines.features.model: ", "text-to-image model `clip`", "one of `sd`", "correct it"],
    ),
    "CLIP of a diffusion model": (
        "baselines/clip/model",
        "sd",
        ["baselines.clip.model: ", "CLIP model `sd`", "one of `clip`", "correct it"],
    ),
    "CLIP of nothing": ("baselines/clip/model", DELETE, ["baselines.clip: ", "`model` is missing"]),
    "unknown task of a baseline": (
        "baselines/synthetic/tasks/colours",
        {"train": "shapes-train"},
        ["baselines.synthetic.tasks: ", "set of prompts `colours`", "`shapes`, `sizes`", "correct"],
    ),
    "unknown images of a task": (
        "baselines/features/tasks/shapes/validation",
        "shapes-valid",
        ["baselines.features.tasks.shapes.validation: ", "`shapes-valid`", "`shapes-validation`?"],
    ),
    "probe without validation": (
        "baselines/features/tasks/shapes/validation",
        DELETE,
        ["baselines.features.tasks.shapes: ", "`train` alone", "`train` and `validation`", "add"],
    ),
    "no tasks": (
        "baselines/features/tasks",
        {},
        ["baselines.features.tasks: ", "{}", "at least 1 entry"],
    ),
    # tables
    "robustness of a CLIP": (
        "tables/robustness",
        robustness("clip"),
        ["tables.robustness.methods: ", "`clip` of kind clip", "k_nearest, resnet, vit", "remove"],
    ),
    "robustness of tasks": (
        "tables/robustness",
        robustness("synthetic"),
        ["tables.robustness.methods: ", "`synthetic`", "one data set", "`train` or remove it"],
    ),
    "accuracy of one data set's classifier": (
        "baselines/synthetic",
        {**RESNET, "train": "shapes-train"},
        ["tables.accuracy.methods: ", "`synthetic`", "one data set", "expected `tasks`", "change"],
    ),
    "accuracy of neighbours": (
        "baselines/clip",
        {**RESNET, "kind": "k_nearest", "train": "shapes-train"},
        ["tables.accuracy.methods: ", "`clip` of kind k_nearest", "probe, clip, chance", "remove"],
    ),
    "a task missing": (
        "baselines/synthetic/tasks/sizes",
        DELETE,
        [
            "baselines.synthetic.tasks: ",
            "found shapes",
            "table accuracy",
            "`sizes` is missing",
            "add",
        ],
    ),
    "accuracy without a diffusion model": (
        "tables/accuracy/methods",
        ["clip"],
        ["tables.accuracy.methods: ", "no evaluation", "at least one", "`staged`, `exhaustive`"],
    ),
    "accuracy of an unknown method": (
        "tables/accuracy/methods",
        ["staged", "clop"],
        ["tables.accuracy.methods: ", "method `clop`", "`exhaustive`", "did you mean `clip`?"],
    ),
    "accuracy on an unknown data set": (
        "tables/accuracy/datasets",
        ["shapes", "seizs"],
        ["tables.accuracy.datasets: ", "data set `seizs`", "`captions`", "did you mean `sizes`?"],
    ),
    "accuracy without prompts": (
        "tables/accuracy/datasets",
        ["shapes", "sizes-train"],
        ["datasets.sizes-train: ", "no `prompts`", "expected a set", "tables.accuracy", "name one"],
    ),
    "accuracy curves of two stages": (
        "tables/accuracy/curves/evaluation",
        "staged",
        ["accuracy.curves.evaluation: ", "`staged` with 2 stages", "a single stage", "choose"],
    ),
    "accuracy curves of a baseline": (
        "tables/accuracy/curves/evaluation",
        "clip",
        ["accuracy.curves.evaluation: ", "evaluation `clip`", "`staged`, `exhaustive`", "correct"],
    ),
    "accuracy curves elsewhere": (
        "tables/accuracy/curves/datasets",
        ["sizes", "shapes-train"],
        ["accuracy.curves.datasets: ", "`shapes-train`", "one of `shapes`, `sizes`", "`shapes`?"],
    ),
    "reconstructions elsewhere": (
        "tables/accuracy/reconstructions/dataset",
        "winoground",
        ["accuracy.reconstructions.dataset: ", "`winoground`", "`shapes`, `sizes`", "correct it"],
    ),
    "confusion elsewhere": (
        "tables/accuracy/confusion",
        ["size"],
        ["tables.accuracy.confusion: ", "`size`", "`shapes`, `sizes`", "did you mean `sizes`?"],
    ),
    "no methods": (
        "tables/accuracy/methods",
        DELETE,
        ["tables.accuracy: ", "`methods` is missing", "add it"],
    ),
    "curves of what pruned": (
        "tables/accuracy/loss",
        "pruning",
        ["tables.accuracy.loss: ", "`pruning`", "the name of a loss", "leave `curves` out"],
    ),
    "two evaluations of one label": (
        "evaluations/staged/label",
        "Diffusion Classifier (exhaustive)",
        ["evaluations.staged.label: ", "`exhaustive` of tables.accuracy.trend", "change one"],
    ),
    "a trend of a baseline": (
        "tables/accuracy/trend",
        {"methods": ["staged", "clip"]},
        ["accuracy.trend.methods: ", "evaluation `clip`", "`staged`, `exhaustive`", "correct it"],
    ),
    "a trend of one": (
        "tables/accuracy/trend",
        {"methods": ["staged"]},
        ["tables.accuracy.trend.methods: ", "a list of at least 2", "correct it"],
    ),
    "a trend elsewhere": (
        "tables/accuracy/trend",
        {"methods": ["staged", "exhaustive"], "datasets": ["winoground"]},
        ["accuracy.trend.datasets: ", "`winoground`", "`shapes`, `sizes`", "correct it"],
    ),
    "published nowhere": (
        "tables/accuracy/published",
        "config/publishd.csv",
        [
            "tables.accuracy.published: config/publishd.csv: ",
            "no such file",
            "table,method",
            "path",
        ],
    ),
    "published by nobody": (
        "tables/accuracy/published",
        PAPER,
        ["tables.accuracy.published: ", "no number", "this table", "by `published` in their own"],
    ),
    "Winoground of single images": (
        "tables/winoground/dataset",
        "shapes",
        ["winoground.dataset: ", "`shapes` without two images", "scenes-winoground or", "choose"],
    ),
    "Winoground of nothing": (
        "tables/winoground/dataset",
        "winogrund",
        ["winoground.dataset: ", "data set `winogrund`", "`shapes`", "did you mean `winoground`?"],
    ),
    "Winoground by class": (
        "datasets/winoground/prompts",
        "shapes",
        ["winoground.prompts: ", "`shapes`", "own captions (`captions: winoground`)", "add such"],
    ),
    "Winoground by other captions": (
        "prompts/winoground/captions",
        "shapes",
        ["datasets.winoground.prompts: ", "`winoground`", "its own captions", "add such"],
    ),
    "Winoground without prompts": (
        "datasets/winoground/prompts",
        DELETE,
        [
            "datasets.winoground: ",
            "no `prompts`",
            "expected a set",
            "tables.winoground",
            "name one",
        ],
    ),
    "Winoground by stages": (
        "tables/winoground/methods",
        ["staged"],
        ["tables.winoground.methods: ", "`staged` with 2 stages", "a single stage", "shorten"],
    ),
    "Winoground by a probe": (
        "tables/winoground/methods",
        ["exhaustive", "features"],
        ["tables.winoground.methods: ", "`features` of kind probe", "clip, chance", "remove it"],
    ),
    "Winoground without a diffusion model": (
        "tables/winoground/methods",
        ["chance"],
        ["tables.winoground.methods: ", "no evaluation", "at least one", "add one of `staged`"],
    ),
    "unknown table": (
        "tables/winogrund",
        {},
        ["tables: ", "`winogrund`", "`accuracy`, `robustness`", "did you mean `winoground`?"],
    ),
}
