"""The names of a config's methods and models, and what belongs to each."""

from __future__ import annotations

from itertools import product
from typing import Any

from .denoisers import FAMILIES


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


def network_names(config: dict[str, Any]) -> list[str]:
    """What is trained by gradient descent and saved: methods, or METHOD/PROMPTS for each task."""
    names = []
    for method in method_names(config)["baseline"]:
        spec = baseline_spec(config, method)
        if spec["kind"] in ("resnet", "vit"):
            names += [f"{method}/{task}" for task in spec["tasks"]] if "tasks" in spec else [method]
    return names


def single_networks(config: dict[str, Any]) -> list[str]:
    """The networks of `network_names` that learn one task."""
    return [name for name in network_names(config) if "/" not in name]


def task_networks(config: dict[str, Any]) -> list[str]:
    """The baseline methods that are one network per set of prompts."""
    names = [name.split("/")[0] for name in network_names(config) if "/" in name]
    return list(dict.fromkeys(names))


def training_set(config: dict[str, Any], network: str) -> str:
    """The data set that a network of `network_names` is trained on."""
    spec, task = baseline_spec(config, network), network.partition("/")[2]
    return spec["tasks"][task]["train"] if task else spec["train"]


def split_seed(config: dict[str, Any], method: str) -> tuple[str, int]:
    """A baseline method's name in the config and its seed: `resnet-16-seed1` → (resnet-16, 1)."""
    method = method.partition("/")[0]
    if method in config["baselines"]:
        return method, 0
    name, _, seed = method.rpartition("-seed")
    return name, int(seed)


def stages_of(config: dict[str, Any], evaluation: str, dataset: str) -> dict[str, Any]:
    """How an evaluation goes about a data set: its `stages`, unless `stages_for` has others."""
    spec = config["evaluations"][evaluation]
    return spec.get("stages_for", {}).get(dataset, spec["stages"])


def questions(config: dict[str, Any], table: str) -> list[tuple[str, str]]:
    """Which evaluation a table and its figures ask about which data set, each pair once.

    An evaluation that is another's prior is asked whatever the other is.
    """
    spec = config["tables"][table]
    datasets = spec.get("datasets") or [spec["dataset"]]
    wanted = [*product(spec["methods"], datasets)]
    if curves := spec.get("curves"):
        wanted += product([curves["evaluation"]], curves.get("datasets") or [curves["dataset"]])
    if trend := spec.get("trend"):
        wanted += product(trend["methods"], trend.get("datasets", datasets))
    found = [pair for pair in dict.fromkeys(wanted) if pair[0] in config["evaluations"]]
    for name, dataset in found:  # which grows meanwhile
        pair = (config["evaluations"][name].get("prior", {}).get("method"), dataset)
        found += [pair] if pair[0] in config["evaluations"] and pair not in found else []
    return found


def data_sets(config: dict[str, Any], table: str) -> list[str]:
    """The data sets that a table's numbers come from, each once, its own first.

    Then those that its figures show, that its methods learn from or are adjusted on, and the pools
    that others were chosen from.
    """
    spec, asked = config["tables"][table], questions(config, table)
    names = [*(spec.get("datasets") or [spec["dataset"]]), *(dataset for _, dataset in asked)]
    tasks = {config["datasets"][name].get("prompts") for name in names}
    methods = list(spec["methods"])
    for name, dataset in asked:
        evaluation = config["evaluations"][name]
        methods += [evaluation["prior"]["method"]] if "prior" in evaluation else []
        if stages_of(config, name, dataset).get("timesteps") == "learned":
            names += [evaluation["calibration"]["datasets"][config["datasets"][dataset]["prompts"]]]
        model = config["models"][evaluation["model"]]
        names += [model["training"]["data"]] if model["weights"] == "train" else []
    for method in methods:
        if method not in config["evaluations"]:
            learned = baseline_spec(config, method)
            names += [learned["train"]] if "train" in learned else []
            for task, sets in learned.get("tasks", {}).items():
                names += sets.values() if task in tasks else []
    for name in names:  # which grows meanwhile
        pool = config["datasets"][name].get("pool")
        names += [pool] if pool and pool not in names else []
    return list(dict.fromkeys(names))


def groups_of(config: dict[str, Any], evaluation: str, dataset: str) -> dict[str, Any] | None:
    """How a data set's classes are grouped, if an evaluation asks about the groups first."""
    if "hierarchy" not in config["evaluations"][evaluation]:
        return None
    return config["prompts"][config["datasets"][dataset]["prompts"]].get("groups")


def baseline_table(config: dict[str, Any], method: str) -> str:
    """The table whose data sets a baseline method answers."""
    spec = baseline_spec(config, method)
    single = "train" in spec or spec["kind"] == "pretrained"
    return "robustness" if single else "accuracy"


def version_of(config: dict[str, Any], evaluation: str) -> str:
    """What a figure of several versions of a model calls an evaluation."""
    spec = config["evaluations"][evaluation]
    return spec.get("version", spec["label"])


def denoiser_names(config: dict[str, Any]) -> list[str]:
    """The models that are diffusion models."""
    return [name for name, spec in config["models"].items() if spec["family"] in FAMILIES]


def text_to_image_names(config: dict[str, Any]) -> list[str]:
    """The models that draw what a prompt says, and whose UNet has features to look at."""
    return [n for n, model in config["models"].items() if model["family"] == "stable-diffusion"]


def clip_names(config: dict[str, Any]) -> list[str]:
    return [name for name, spec in config["models"].items() if spec["family"] == "clip"]
