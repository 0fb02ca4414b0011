# The table of contents: which chapters the workflow has and what it makes by default.
from copy import deepcopy
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


include: "rules/library.smk"


# a config file given on the command line stands alone: it is not mixed with the default one, which
# may lie in the working directory, or else beside this file
DEFAULT = (
    "config.yaml" if Path("config.yaml").exists() else f"{workflow.current_basedir}/config.yaml"
)
if not workflow.overwrite_configfiles:

    configfile: DEFAULT


report: "report/workflow.rst"


from layout import GROUPS
from plan import Plan
from rule_functions import Jobs, arrays, check_files, checked, has_storage, numbered, one_of
from without_disk import VARIABLE, in_job, tell, told, travelling, without_disk

ROOT = Path(str(workflow.current_basedir))  # not where another workflow lies that imports this one
CONFIG_FILE = ", ".join(map(str, workflow.overwrite_configfiles)) or "config.yaml"
check_files(workflow.overwrite_configfiles or [DEFAULT])
written = deepcopy(config)
checked(config, CONFIG_FILE, ROOT, told() if in_job(workflow) else None)
config["written"] = written  # what provenance shows: checking replaces paths by where they lead

# then jobs that fetch data or write a folder run where snakemake does: compute nodes often have no
# network, and the plugin for S3 does not see that another process has stored a folder
WITHOUT_DISK = without_disk(workflow)
if WITHOUT_DISK:
    tell(config)

    envvars:
        VARIABLE,


plan = Plan(config, ROOT, stored=WITHOUT_DISK)
plan.resources.array = arrays(workflow)
layout = plan.layout
stays = local if has_storage(workflow) else str
sent = travelling(workflow, ROOT) if WITHOUT_DISK else (lambda path: False)
jobs = Jobs(CONFIG_FILE, ROOT, config["results"], stays, sent)
of_job, growing, code = jobs.of_job, jobs.growing, jobs.code
files_of, files_in = jobs.files_of, jobs.files_in
GPU = 0 if config["compute"]["device"] == "cpu" else 1


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    prompts=one_of(config["prompts"]),
    model=one_of(config["models"]),
    evaluation=one_of(config["evaluations"]),
    table=one_of(config["tables"]),
    stage=r"\d+",
    shard=r"\d+",
    part=r"\d+",


include: "rules/data.smk"
include: "rules/models.smk"
include: "rules/errors.smk"
include: "rules/searches.smk"
include: "rules/weightings.smk"
include: "rules/probabilities.smk"
include: "rules/baselines.smk"
include: "rules/zero_shot.smk"
include: "rules/pictures.smk"
include: "rules/tables.smk"
include: "rules/explorer.smk"


rule all:
    default_target: True
    input:
        plan.wanted(),
