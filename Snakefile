# The table of contents: which chapters the workflow has and what it makes by default.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


include: "rules/library.smk"


# a config file given on the command line stands alone: it is not mixed with the default one, which
# may lie in the working directory, or else beside this file
if not workflow.overwrite_configfiles:

    configfile: "config.yaml" if Path("config.yaml").exists() else f"{workflow.basedir}/config.yaml"


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/sets.smk"
include: "rules/asked.smk"
include: "rules/weights.smk"
include: "rules/resources.smk"
include: "rules/candidates.smk"
include: "rules/wanted.smk"
include: "rules/given.smk"
include: "rules/notebooks.smk"
include: "rules/benchmarked.smk"
include: "rules/data.smk"
include: "rules/models.smk"
include: "rules/errors.smk"
include: "rules/baselines.smk"
include: "rules/zero_shot.smk"
include: "rules/pictures.smk"
include: "rules/tables.smk"
include: "rules/winoground.smk"
include: "rules/provenance.smk"
include: "rules/benchmarks.smk"


rule all:
    default_target: True
    input:
        wanted(),
