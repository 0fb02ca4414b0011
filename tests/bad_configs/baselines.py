"""Baselines: what they are trained on and how."""

from .deletion import DELETE

DIGITS = {
    "network without budget": (
        "baselines/resnet-8/optimisation",
        DELETE,
        ["baselines.resnet-8: ", "`optimisation` is missing", "add it"],
    ),
    "unknown training data": (
        "baselines/k-nearest/tasks/digits/train",
        "mnist-trian",
        [
            "baselines.k-nearest.tasks.digits.train: ",
            "`mnist-trian`",
            "did you mean `mnist-train`?",
        ],
    ),
    "a pretrained network that is not there": (
        "baselines/clip",
        {"label": "R", "kind": "pretrained", "weights": "nowhere"},
        ["baselines.clip.weights: ", "'nowhere'", "no such folder", "correct it"],
    ),
    "a shipped network that is not": (
        "baselines/resnet-9",
        {
            "label": "R",
            "kind": "resnet",
            "weights": "shipped",
            "tasks": {"digits": {"train": "mnist-train"}},
            "params": {"width": 9},
            "preprocess": {"mode": "L", "size": 28},
            "optimisation": {"steps": 500, "batch_size": 32, "learning_rate": 0.003},
        },
        ["baselines.resnet-9.weights: ", "`shipped`", "resources/models", "`weights: train`"],
    ),
    "a folder of a network that is trained": (
        "baselines/resnet-8/weights",
        "somewhere",
        ["baselines.resnet-8.weights: ", "'somewhere'", "`shipped` or `train`", "pretrained"],
    ),
    "weights of what is fitted": (
        "baselines/k-nearest/weights",
        "shipped",
        ["baselines.k-nearest.weights: ", "'shipped'", "no such key", "remove it"],
    ),
}

SCENES = {
    "no kind": (
        "baselines/features/kind",
        DELETE,
        ["baselines.features: ", "`kind` is missing", "`label` and `kind`", "add it"],
    ),
    "nothing to learn from": (
        "baselines/synthetic/tasks",
        DELETE,
        ["baselines.synthetic: ", "`tasks` is missing", "add it"],
    ),
    "images of other classes": (
        "baselines/synthetic/tasks/sizes/train",
        "shapes-train",
        ["synthetic.tasks.sizes.train: ", "`shapes-train` of 6 classes", "expected 2", "choose"],
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
}
