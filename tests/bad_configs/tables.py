"""Tables: their methods, data sets, curves and published numbers."""

from pathlib import Path

from .deletion import DELETE

PAPER = str(Path(__file__).parents[2] / "config" / "published.csv")


DIGITS = {
    "twice the same": (
        "tables/robustness/methods",
        ["digits", "digits"],
        ["tables.robustness.methods: ", "'digits'", "nothing twice", "correct"],
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
}

SCENES = {
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
    "a table of no kind": (
        "tables/winoground/kind",
        DELETE,
        ["tables.winoground: ", "no `kind`", "accuracy, robustness", "write `kind: compositional`"],
    ),
    "another table of no kind": (
        "tables/mine",
        {"datasets": ["shapes"], "methods": ["staged"]},
        ["tables.mine: ", "no `kind`", "accuracy, robustness", "write `kind: accuracy`"],
    ),
    "an unknown kind of table": (
        "tables/accuracy/kind",
        "acuracy",
        ["tables.accuracy: ", "the kind 'acuracy'", "robustness", "write `kind: accuracy`"],
    ),
    "what another kind of table has": (
        "tables/winoground/confusion",
        ["winoground"],
        ["tables.winoground: ", "unknown key `confusion`", "`examples`", "remove it"],
    ),
}
