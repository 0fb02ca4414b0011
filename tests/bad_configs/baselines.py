"""Baselines: what they are trained on and how."""

from .deletion import DELETE

RESNET = {
    "label": "ResNet",
    "kind": "resnet",
    "params": {},
    "preprocess": {"size": 32},
    "optimisation": {"steps": 1, "batch_size": 1, "learning_rate": 0.1},
}

DIGITS = {
    "network without budget": (
        "baselines/resnet-8/optimisation",
        DELETE,
        ["baselines.resnet-8: ", "`optimisation` is missing", "add it"],
    ),
    "unknown training data": (
        "baselines/k-nearest/train",
        "mnist-trian",
        ["baselines.k-nearest.train: ", "`mnist-trian`", "did you mean `mnist-train`?"],
    ),
    "a pretrained network that is not there": (
        "baselines/clip",
        {"label": "R", "kind": "pretrained", "weights": "nowhere"},
        ["baselines.clip.weights: ", "'nowhere'", "no such folder", "correct it"],
    ),
}

SCENES = {
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
}
