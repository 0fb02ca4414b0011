"""Look up methods, models, data sets and their relations in a config."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import PurePath
from typing import Any

from diffusion_classifier.baselines.baseline import CLIP, TEXT_TO_IMAGE, Baseline
from diffusion_classifier.baselines.registry import baseline
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.tables.kinds import KINDS
from diffusion_classifier.training.registry import TRAINERS
from diffusion_classifier.weights.family import Family

MODEL_FAMILIES: dict[str, Family | None] = {
    name: FAMILIES.get(name) for name in (*FAMILIES, *TRAINERS)
}
"""The families of `models`; None for those that are no diffusion models, such as CLIP."""


def method_names(config: dict[str, Any]) -> dict[str, list[str]]:
    """The names of all methods by kind: a baseline with seeds is one method per seed."""
    baselines = []
    for name, spec in config["baselines"].items():
        seeds = spec.get("seeds")
        baselines += [name] if seeds is None else [f"{name}-seed{seed}" for seed in seeds]
    return {"diffusion": list(config["evaluations"]), "baseline": baselines}


def baseline_spec(config: dict[str, Any], method: str) -> dict[str, Any]:
    """The config's entry of a baseline method or network, without its seed."""
    return config["baselines"][split_seed(config, method)[0]]


def baseline_class(config: dict[str, Any], method: str) -> type[Baseline]:
    """The class in the registry for the kind of a baseline method."""
    return baseline(baseline_spec(config, method)["kind"])


def network_names(config: dict[str, Any]) -> list[str]:
    """The networks that are trained here: METHOD/PROMPTS for each set of prompts."""
    return [
        f"{method}/{prompts}"
        for method in network_methods(config)
        for prompts in baseline_spec(config, method)["tasks"]
        if not is_shipped(baseline_spec(config, method))
    ]


def is_shipped(spec: dict[str, Any]) -> bool:
    """Whether the weights of an entry of `models` or `baselines` come with the project."""
    return spec.get("weights") == "shipped"


def network_methods(config: dict[str, Any]) -> list[str]:
    """The baseline methods that are networks whose weights are shipped or trained here."""
    names = method_names(config)["baseline"]
    return [name for name in names if baseline_class(config, name).weights == "trained"]


def training_set(config: dict[str, Any], network: str) -> str:
    """The data set that a network of `network_names` is trained on."""
    return baseline_spec(config, network)["tasks"][network.partition("/")[2]]["train"]


def image_spec(config: dict[str, Any], dataset: str) -> dict[str, Any]:
    """The keys of a data set's entry that decide its images."""
    others = ("label", "description", "published", "prompts", "shards")
    return {k: v for k, v in config["datasets"][dataset].items() if k not in others}


def filter_prompts(config: dict[str, Any], dataset: str) -> str | None:
    """The set of prompts whose network chooses the images of an adversarial data set, if any."""
    spec = config["datasets"][dataset]
    return spec.get("prompts", config["datasets"][spec["pool"]].get("prompts"))


def filter_network(config: dict[str, Any], dataset: str) -> str:
    """The network of `network_names` that misclassifies the images of an adversarial data set."""
    return f"{config['datasets'][dataset]['wrong_by']}/{filter_prompts(config, dataset)}"


def split_seed(config: dict[str, Any], method: str) -> tuple[str, int]:
    """A baseline method's name in the config and its seed: `resnet-16-seed1` → (resnet-16, 1)."""
    method = method.partition("/")[0]
    if method in config["baselines"]:
        return method, 0
    name, _, seed = method.rpartition("-seed")
    return name, int(seed)


def method_group(config: dict[str, Any], method: str) -> str:
    """The name in the config of which a method is one training."""
    for section in ("evaluations", "weightings"):
        if method in config.get(section, {}):
            return config[section][method].get("group", method)
    return baseline_spec(config, method).get("group", split_seed(config, method)[0])


def stages_of(config: dict[str, Any], evaluation: str, dataset: str) -> dict[str, Any]:
    """The stages of an evaluation for a data set: from `stages_for`, or else `stages`."""
    spec = config["evaluations"][evaluation]
    return spec.get("stages_for", {}).get(dataset, spec["stages"])


def questions(config: dict[str, Any], table: str) -> list[tuple[str, str]]:
    """The pairs (evaluation, data set) that a table and its figures need, each once.

    Probabilities need calibration images. If an evaluation is the prior of another, it needs the
    same data sets as the other, and so does an evaluation whose errors are weighted.
    """
    spec = config["tables"][table]
    datasets = spec.get("datasets") or [spec["dataset"]]
    weighted = {name: entry["of"] for name, entry in config.get("weightings", {}).items()}
    wanted = [*product((weighted.get(name, name) for name in spec["methods"]), datasets)]
    if curves := spec.get("curves"):
        wanted += product([curves["evaluation"]], curves.get("datasets") or [curves["dataset"]])
    if probabilities := spec.get("probabilities"):
        wanted += product(spec["methods"], probabilities["calibration"].values())
    if trend := spec.get("trend"):
        wanted += product(trend["methods"], trend.get("datasets", datasets))
    found = [pair for pair in dict.fromkeys(wanted) if pair[0] in config["evaluations"]]
    for name, dataset in found:  # the loop appends further pairs
        if (prior := prior_method(config, name)) in config["evaluations"]:
            asked = [(prior, data) for data in prior_datasets(config, name, dataset)]
            found += [pair for pair in asked if pair not in found]
    return found


def all_questions(config: dict[str, Any]) -> list[tuple[str, str]]:
    """The `questions` of all tables, each once."""
    return list(
        dict.fromkeys(pair for table in config["tables"] for pair in questions(config, table))
    )


def data_sets(config: dict[str, Any], table: str) -> list[str]:
    """The data sets on which a table's numbers depend, each once, beginning with its columns.

    The others are those of its figures, those on which its methods are trained here or calibrated,
    and the pools and drawings from which others were chosen.
    """
    spec, pairs = config["tables"][table], questions(config, table)
    names = [*(spec.get("datasets") or [spec["dataset"]]), *(dataset for _, dataset in pairs)]
    tasks = {config["datasets"][name].get("prompts") for name in names}
    methods = [name for name in spec["methods"] if name not in config.get("weightings", {})]
    for name, dataset in pairs:
        evaluation = config["evaluations"][name]
        if "prior" in evaluation:
            methods += [evaluation["prior"]["method"]]
            names += prior_datasets(config, name, dataset)
        if stages_of(config, name, dataset).get("timesteps") == "learned":
            names += [evaluation["calibration"]["datasets"][config["datasets"][dataset]["prompts"]]]
        if search := evaluation.get("search"):
            prompts = config["datasets"][dataset]["prompts"]
            names += [search[key][prompts] for key in ("calibration", "learn") if key in search]
        model = config["models"][evaluation["model"]]
        names += [model["training"]["data"]] if model["weights"] == "train" else []
    for method in methods:
        if method not in config["evaluations"]:
            baseline_entry = baseline_spec(config, method)
            if is_shipped(baseline_entry):
                continue
            for task, sets in baseline_entry.get("tasks", {}).items():
                names += sets.values() if task in tasks else []
    for name in names:  # the loop appends further names
        spec = config["datasets"][name]
        origin = spec.get("pool", spec.get("drawn"))
        names += [origin] if origin and origin not in names else []
    return list(dict.fromkeys(names))


def prior_method(config: dict[str, Any], evaluation: str) -> str | None:
    """The method of an evaluation's prior, if it has one."""
    return config["evaluations"][evaluation].get("prior", {}).get("method")


def prior_datasets(config: dict[str, Any], evaluation: str, dataset: str) -> list[str]:
    """The data sets that a prior classifies for `dataset`: itself, and the calibration images."""
    spec = config["evaluations"][evaluation]["prior"]
    calibration = spec.get("calibration", {}).get(config["datasets"][dataset]["prompts"])
    return [dataset, *([calibration] if calibration else [])]


def classified_datasets(config: dict[str, Any], method: str) -> list[str]:
    """The data sets that a baseline method classifies for tables or as a prior, each once."""
    name = split_seed(config, method)[0]
    listed = [spec for spec in config["tables"].values() if name in spec["methods"]]
    listed = [spec for spec in listed if KINDS[spec["kind"]].answers == "predictions"]
    found = [dataset for spec in listed for dataset in spec.get("datasets", [])]
    for spec in listed:
        found += spec.get("probabilities", {}).get("calibration", {}).values()
    for evaluation, dataset in all_questions(config):
        if prior_method(config, evaluation) == method:
            found += prior_datasets(config, evaluation, dataset)
    return list(dict.fromkeys(found))


def compared_datasets(config: dict[str, Any], method: str) -> list[str]:
    """The data sets of which a baseline method says how well captions and images go together."""
    name, found = split_seed(config, method)[0], []
    for spec in config["tables"].values():
        if name in spec["methods"] and KINDS[spec["kind"]].answers != "predictions":
            found += spec.get("datasets") or [spec["dataset"]]
    return list(dict.fromkeys(found))


def groups_of(config: dict[str, Any], evaluation: str, dataset: str) -> dict[str, Any] | None:
    """The `groups` of a data set's prompts, if the evaluation has a stage of groups."""
    if "hierarchy" not in config["evaluations"][evaluation]:
        return None
    return config["prompts"][config["datasets"][dataset]["prompts"]].get("groups")


def method_kind(config: dict[str, Any], method: str) -> str:
    """How tables treat a method: as `diffusion`, `weighted`, `baseline`, `more-data` or `chance`.

    A `baseline` learned from labelled images alone; the line of effective robustness is fitted to
    baselines. A `more-data` method also learned from other images (a CLIP, a probe of a diffusion
    model's features, a network trained on images that a model drew) and is compared with the line.
    """
    if method in config["evaluations"]:
        return "diffusion"
    if method in config.get("weightings", {}):
        return "weighted"
    spec = baseline_spec(config, method)
    kind = baseline_class(config, method).compared_as
    training_sets = [config["datasets"][sets["train"]] for sets in spec.get("tasks", {}).values()]
    drawn = any("model" in data for data in training_sets)
    return "more-data" if drawn and kind == "baseline" else kind


def method_varies(config: dict[str, Any], method: str) -> str:
    """What differs between repetitions of a method: its `training`, its `seed`, or nothing ("").

    A method that uses a trained model (an evaluation, a CLIP, a probe, downloaded weights) varies
    with the training of that model, a weighting with the `draw` of labelled images.
    """
    if method in config["evaluations"]:
        return "training"
    if method in config.get("weightings", {}):
        return config["weightings"][method].get("varies", "draw")
    return baseline_class(config, method).varies


def drawn_by(config: dict[str, Any], dataset: str) -> str:
    """The model that drew a data set's images, kept by a judge or not; "" of other images."""
    spec = config["datasets"][dataset]
    return config["datasets"][spec["drawn"]]["model"] if "drawn" in spec else spec.get("model", "")


def pretrained(config: dict[str, Any], method: str) -> str:
    """The weights that a method uses, in one text: a repository of the hub, a folder's name.

    `shipped` and `train` stand for themselves; a method without weights has "".
    """
    method = config.get("weightings", {}).get(method, {}).get("of", method)
    spec = config["evaluations"].get(method) or baseline_spec(config, method)
    weights = config["models"][spec["model"]]["weights"] if "model" in spec else spec.get("weights")
    if isinstance(weights, dict):
        return weights.get("hub", weights.get("torchvision", ""))
    return PurePath(weights or "").name


def same_images(config: dict[str, Any], dataset: str, others: Iterable[str]) -> list[str]:
    """The data sets in `others` with the images of `dataset` under another shift."""

    def images(name: str) -> dict[str, Any]:
        return {key: value for key, value in image_spec(config, name).items() if key != "shift"}

    return [name for name in others if images(name) == images(dataset)]


def version_of(config: dict[str, Any], evaluation: str) -> str:
    """The name of an evaluation in a figure of several versions of a model."""
    spec = config["evaluations"][evaluation]
    return spec.get("version", spec["label"])


def denoiser_names(config: dict[str, Any]) -> list[str]:
    """The models that are diffusion models."""
    return [name for name, spec in config["models"].items() if spec["family"] in FAMILIES]


def models_for(config: dict[str, Any], use: str) -> list[str]:
    """The models that can be used as `use`: CLIP or TEXT_TO_IMAGE of `baselines.baseline`."""
    fits = {
        CLIP: lambda family: family is None,
        TEXT_TO_IMAGE: lambda family: family is not None and family.text_to_image,
    }[use]
    models = config["models"].items()
    return [name for name, spec in models if fits(MODEL_FAMILIES[spec["family"]])]
