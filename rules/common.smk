# Which files are wanted: small named functions over the config. Rules hold no logic.
import atexit
import os
import re
import sys
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.operations.costs import estimate, render
from diffusion_classifier.operations.code.identity import Code
from diffusion_classifier.messages import InputError
from diffusion_classifier.scores.paired_tests import COMPARED_KINDS
from diffusion_classifier.config.methods import (
    baseline_spec,
    data_sets,
    filter_network,
    groups_of,
    image_spec,
    method_group,
    method_kind,
    method_names,
    method_varies,
    network_names,
    same_images,
    split_seed,
    stages_of,
    version_of,
)
from diffusion_classifier.selection.schedules import UNIFORM, spread, stage_samples
from diffusion_classifier.config.checks.evaluation_checks import CALIBRATION_CLASSES, CALIBRATION_SAMPLES


def config_file():
    """The config file to name in a message."""
    return ", ".join(map(str, workflow.overwrite_configfiles)) or "config.yaml"


for what, path in (("workflow", workflow.basedir), ("working directory", os.getcwd())):
    if re.search("[{}]", str(path)):
        sys.exit(
            f"the {what} is {path}; found a brace in this path, expected none, as Snakemake reads "
            "it as a variable; rename the folder or choose another"
        )
WRITTEN = deepcopy(config)  # before its paths are replaced by where they lead
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
GROUPS = 0  # the stage of groups: before the first
# whether a table shows each data set under the loss that its own stages prune by
PRUNING_LOSS = any(table.get("loss") == "pruning" for table in config["tables"].values())
NETWORKS = network_names(config)


@atexit.register
def say_costs():
    """On a dry run, what it all costs: the last word, as thousands of jobs may stand before it."""
    # only now it is known: `-n` may stand beside --lint, --summary or --dag, which run nothing
    silent = any(part.name == "ALL" for part in workflow.output_settings.quiet or ())
    if workflow.dryrun and workflow.scheduler and not silent:
        # a scheduled job counts as finished, in a dry run as well
        left = workflow.dag.needrun_jobs(exclude_finished=False)
        jobs = sum(job.rule.name == "errors" for job in left)
        print(render(estimate(config), jobs), file=sys.stderr)


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


CODE = Code(Path(workflow.basedir) / "workflow_scripts")


def code(script, notebook=None, **functions):
    """A parameter by which a rule's results are made anew if the code that computes them changes.

    `functions` give what `Code.identity` is told of a job, from the job's wildcards.
    """
    page = notebook and str(Path(workflow.basedir) / "notebooks" / f"{notebook}.ipynb")
    return lambda wildcards: CODE.identity(
        script, notebook=page, **{key: of(wildcards) for key, of in functions.items()}
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


def evaluated_family(wildcards):
    return evaluated_model(wildcards)["family"]


def evaluated_model_folder(wildcards):
    return model_folder(evaluated(wildcards))


def evaluated_model_files(wildcards):
    return model_files(evaluated(wildcards))


def latents_files(model, dataset):
    """A model's latents of a data set, a file for each shard."""
    return [f"{RESULTS}/latents/{model}/{dataset}/{shard}.safetensors" for shard in shards(dataset)]


def latents_file(wildcards):
    every = latents_files(evaluation(wildcards)["model"], wildcards.dataset)
    return every[int(wildcards.shard)]


def conditions_of(evaluation, prompts):
    return (
        f"{RESULTS}/conditions/{config['evaluations'][evaluation]['model']}/{prompts}.safetensors"
    )


def conditions_file(wildcards):
    return conditions_of(wildcards.evaluation, dataset(wildcards.dataset)["prompts"])


def noise_file(wildcards):
    shape = "x".join(map(str, evaluated_model(wildcards)["latent_shape"]))
    return f"{RESULTS}/noise/{shape}-seed{config['noise']['seed']}.safetensors"


def samples_of_stage(wildcards):
    """The (timestep, noise) pairs that a stage evaluates: [[timestep, noise], ...].

    Where timesteps are learned it is their number by the end of each stage.
    """
    spec = stages(wildcards)
    if of_groups(wildcards):
        (own,) = stage_samples([evaluation(wildcards)["hierarchy"]["samples"]])
        return [[s.timestep, s.noise] for s in own]
    if learned(wildcards):
        return spec["samples"]
    every = stage_samples(spec["samples"], spec.get("trials", 1), spec.get("grid"))
    own = every[int(wildcards.stage) - 1]
    return [[s.timestep, s.noise] for s in (spread(own) if race_of_stage(wildcards) else own)]


def learned(wildcards):
    """Whether the timesteps of a stage are learned; those of groups never are."""
    return stages(wildcards).get("timesteps") == "learned" and not of_groups(wildcards)


def timesteps_file(wildcards):
    """The density that timesteps are drawn from, if they are learned."""
    if not learned(wildcards):
        return []
    prompts = dataset(wildcards.dataset)["prompts"]
    return f"{RESULTS}/timesteps/{wildcards.evaluation}/{prompts}.csv"


def speed(wildcards):
    """What an evaluation says of how its model is run."""
    keys = ("channels_last", "attention", "compile")
    return {key: value for key, value in evaluation(wildcards).items() if key in keys}


def calibration(wildcards):
    """How an evaluation learns its timesteps."""
    return evaluation(wildcards)["calibration"]


def calibration_set(wildcards):
    """The data set that an evaluation learns the timesteps of some prompts on."""
    return calibration(wildcards)["datasets"][wildcards.prompts]


def race_of_stage(wildcards):
    """The race of the last stage, if it has one, and what decides it."""
    spec = stages(wildcards)
    if "race" not in spec or int(wildcards.stage) < len(spec["samples"]):
        return None
    combine = evaluation(wildcards).get("combine", "mean")
    return {**spec["race"], "loss": spec["loss"], "combine": combine}


def unused_by_errors(wildcards):
    """Functions of the script errors.py that a job does not call."""
    used = {"gap_race": race_of_stage(wildcards), "learned_samples": learned(wildcards)}
    return tuple(name for name, needed in used.items() if not needed)


def stages(wildcards):
    """The stages in which an evaluation goes about a data set."""
    return stages_of(config, wildcards.evaluation, wildcards.dataset)


def all_stages(wildcards):
    return range(1, len(stages(wildcards)["samples"]) + 1)


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
