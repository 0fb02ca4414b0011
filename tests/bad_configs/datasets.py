"""Data sets: their sources, keys, splits and limits."""

from .deletion import DELETE

DIGITS = {
    "neither of two ways": (
        "datasets/mnist/source",
        DELETE,
        ["datasets.mnist: ", "`limit`", "either `source`, or `pool`, `wrong_by` and `limit`"],
    ),
    "not a number": ("datasets/mnist-noise/shift/sigma", float("nan"), ["shift.sigma: ", "nan"]),
    "nothing for mapping": ("datasets", None, ["datasets: ", "None", "a mapping of keys"]),
    "unknown source": ("datasets/mnist/source", "minst", ["'minst'", "did you mean `mnist`?"]),
    "unknown prompts": (
        "datasets/mnist/prompts",
        "digit",
        ["datasets.mnist.prompts: ", "`digit`", "`digits`", "did you mean `digits`?"],
    ),
    "wrong by what is no network": (
        "datasets/mnist-adversarial/wrong_by",
        "k-nearest",
        ["datasets.mnist-adversarial.wrong_by: ", "`k-nearest`", "`resnet-16-seed0`"],
    ),
    "wrong by what has not learned the prompts": (
        "baselines/resnet-16/tasks",
        {"others": {"train": "mnist-train"}},
        ["datasets.mnist-adversarial: ", "`digits`", "one of others", "`wrong_by`", "choose"],
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
        ["datasets.mnist: ", "the source scenes", "`task` is missing", "add it"],
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
        ["datasets.mnist.split: ", "'val'", "train, test, the splits of Food101", "correct it"],
    ),
    "chosen images and a number of them": (
        "datasets/mnist/indices",
        [1, 2],
        ["datasets.mnist.indices: ", "with `limit`", "leave one out"],
    ),
    "skipping all images": (
        "datasets/mnist/skip",
        1000,
        ["datasets.mnist.limit: ", "after skipping 1000", "at most 1000", "lower it"],
    ),
}

SCENES = {
    "unknown task": (
        "datasets/shapes/task",
        "shape",
        ["datasets.shapes.task: ", "'shape'", "`colour-shape`", "did you mean `shapes`?"],
    ),
    "no task": (
        "datasets/shapes/task",
        DELETE,
        ["datasets.shapes: ", "the source scenes", "`task` is missing", "add it"],
    ),
    "no examples per tag": (
        "datasets/winoground/per_tag",
        DELETE,
        ["datasets.winoground: ", "source scenes-winoground", "`per_tag` is missing"],
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
        ["datasets.shapes: ", "the source folder", "`path` is missing", "add it"],
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
    "Winoground by class": (
        "datasets/winoground/prompts",
        "shapes",
        ["winoground.prompts: ", "`shapes`", "own captions (`captions: winoground`)", "add such"],
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
}
