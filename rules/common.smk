# Which files are wanted: small named functions over the config. Rules hold no logic.
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

from diffusion_classifier.configuration import check_config
from diffusion_classifier.consistency import (
    baseline_spec,
    method_names,
    network_names,
    split_seed,
    weights_folder,
)
from diffusion_classifier.messages import InputError
from diffusion_classifier.schedules import stage_samples


def config_file():
    """The config file to name in a message."""
    return ", ".join(map(str, workflow.overwrite_configfiles)) or "config.yaml"


try:
    check_config(config, workflow.basedir)
except InputError as error:
    # an exception would be shown with the place in this file, which is not where the mistake is
    sys.exit(f"{config_file()}: {error}")

# relative, so that no file or notebook tells where on a machine the project lies
HERE = Path(os.path.relpath(workflow.basedir))
RESULTS = config["results"]
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks/jobs"
GPU = 0 if config["compute"]["device"] == "cpu" else 1
METHODS = method_names(config)
NETWORKS = network_names(config)


def one_of(names):
    """A wildcard constraint: exactly these names (nothing at all if there are none)."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    prompts=one_of(config["prompts"]),
    model=one_of(config["models"]),
    evaluation=one_of(config["evaluations"]),
    stage=r"\d+",
    shard=r"\d+",
    part=r"\d+",


# --- data


def dataset(name):
    """The config's entry of a data set."""
    return config["datasets"][name]


def direct_datasets():
    return [name for name, spec in config["datasets"].items() if "source" in spec]


def adversarial_datasets():
    return [name for name, spec in config["datasets"].items() if "pool" in spec]


def dataset_file(name):
    return f"{RESULTS}/data/{name}.parquet"


def data_spec(name):
    """What of a data set's entry decides its images."""
    return {
        k: v
        for k, v in dataset(name).items()
        if k not in ("label", "description", "prompts", "shards")
    }


def shard_count(name):
    return dataset(name).get("shards", 1)


def shards(name):
    return range(shard_count(name))


def prompts_file(wildcards):
    return f"{RESULTS}/prompts/{dataset(wildcards.dataset)['prompts']}.csv"


# --- models


def model(name):
    """The config's entry of a model."""
    return config["models"][name]


def trained_part(name):
    """What of a model's entry decides its weights."""
    return {key: model(name)[key] for key in ("family", "preprocess", "training")}


def model_folder(wildcards):
    name = wildcards.model
    if model(name)["weights"] == "train":
        return f"{RESULTS}/models/{name}"
    return str(weights_folder(HERE, name, model(name)["weights"]))


def model_files(wildcards):
    """What a job that loads the model depends on: the trained folder, or every file of a given one."""
    folder = model_folder(wildcards)
    if model(wildcards.model)["weights"] == "train":
        return folder
    return sorted(
        str(path) for path in Path(folder).rglob("*") if path.suffix in (".json", ".safetensors")
    )


# --- evaluations


def evaluation(wildcards):
    """The config's entry of an evaluation."""
    return config["evaluations"][wildcards.evaluation]


def evaluated(wildcards):
    """Wildcards of the model that an evaluation evaluates."""
    return SimpleNamespace(model=evaluation(wildcards)["model"])


def evaluated_model(wildcards):
    return model(evaluation(wildcards)["model"])


def evaluated_model_folder(wildcards):
    return model_folder(evaluated(wildcards))


def evaluated_model_files(wildcards):
    return model_files(evaluated(wildcards))


def latents_file(wildcards):
    name = evaluation(wildcards)["model"]
    return f"{RESULTS}/latents/{name}/{wildcards.dataset}/{wildcards.shard}.safetensors"


def conditions_file(wildcards):
    name = evaluation(wildcards)["model"]
    return f"{RESULTS}/conditions/{name}/{dataset(wildcards.dataset)['prompts']}.safetensors"


def noise_file(wildcards):
    shape = "x".join(map(str, evaluated_model(wildcards)["latent_shape"]))
    return f"{RESULTS}/noise/{shape}-seed{config['noise']['seed']}.safetensors"


def samples_of_stage(wildcards):
    """The (timestep, noise) pairs that a stage evaluates: [[timestep, noise], ...]."""
    stages = evaluation(wildcards)["stages"]
    every = stage_samples(stages["samples"], stages.get("trials", 1), stages.get("grid"))
    return [list(sample) for sample in every[int(wildcards.stage) - 1]]


def all_stages(wildcards):
    return range(1, len(evaluation(wildcards)["stages"]["samples"]) + 1)


def class_parts(name):
    return config["evaluations"][name].get("class_parts", 1)


def pairs_file(evaluation, dataset, stage, shard):
    return f"{RESULTS}/pairs/{evaluation}/{dataset}/stage{stage}/{shard}.parquet"


def errors_files(wildcards, stages, shards):
    return [
        f"{RESULTS}/errors/{wildcards.evaluation}/{wildcards.dataset}/stage{stage}/{shard}-{part}.nc"
        for stage in stages
        for shard in shards
        for part in range(class_parts(wildcards.evaluation))
    ]


# --- baselines


def classical():
    """The baselines that are fitted in a moment, each time they predict."""
    return [name for name in METHODS["baseline"] if name not in NETWORKS]


def network_folder(name):
    return f"{RESULTS}/baselines/{name}"


def fitted_part(method):
    """What of a baseline's entry decides what it learns."""
    return {k: v for k, v in baseline_spec(config, method).items() if k not in ("label", "seeds")}
