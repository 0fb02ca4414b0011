# Which classes an image is asked about at all: those that a prior or the groups above them leave.


def prior(wildcards):
    """The prior of an evaluation: whose classes, how many, and which of its scores; {} if none."""
    spec = evaluation(wildcards).get("prior")
    if spec is None:
        return {}
    ours = spec["method"] in METHODS["diffusion"]
    loss = stages_of(config, spec["method"], wildcards.dataset)["loss"] if ours else ""
    return {"keep": spec["keep"], "loss": loss}


def prior_file(wildcards):
    """The predictions of an evaluation's prior, if it has one."""
    spec = evaluation(wildcards).get("prior")
    return f"{RESULTS}/predictions/{spec['method']}/{wildcards.dataset}.parquet" if spec else []


def groups(wildcards):
    """How a data set's classes are grouped, if an evaluation asks about the groups first."""
    return groups_of(config, wildcards.evaluation, wildcards.dataset)


def groups_files(prompts):
    """The file that says which class of a set of prompts is in which group, if it is a file."""
    of = config["prompts"][prompts].get("groups", {}).get("of")
    return [of] if isinstance(of, str) else []


def groups_file(wildcards):
    """`groups_files`, where an evaluation asks about the groups first."""
    return given("groups", dataset(wildcards.dataset)["prompts"]) if groups(wildcards) else []


def group_prompts_file(wildcards):
    spec = groups(wildcards)
    return f"{RESULTS}/prompts/{spec['prompts']}.csv" if spec else []


def group_pairs_file(wildcards):
    if not groups(wildcards):
        return []
    return pairs_file(wildcards.evaluation, wildcards.dataset, GROUPS, wildcards.shard)


def group_errors_files(wildcards, shards):
    """The errors of the stage of groups, if there is one."""
    return errors_files(wildcards, stages=[GROUPS], shards=shards) if groups(wildcards) else []


def best_groups(wildcards):
    """Which groups' classes go on: what the rule `pairs` is told; {} without groups."""
    if not groups(wildcards):
        return {}
    return {
        "of": groups(wildcards)["of"],
        "keep": evaluation(wildcards)["hierarchy"]["keep"],
        "loss": stages(wildcards)["loss"],
        "combine": evaluation(wildcards).get("combine", "mean"),
    }


def unused_by_pairs(wildcards):
    """Functions of the script pairs.py that a job does not call."""
    return () if groups(wildcards) else ("best_groups",)


def of_groups(wildcards):
    """Whether a stage is that of the groups, before the first; without a stage, it is not."""
    return int(getattr(wildcards, "stage", 1)) == GROUPS


def prompts_of_stage(wildcards):
    """The set of prompts that a stage asks about: the groups', or the classes'."""
    if of_groups(wildcards):
        return groups(wildcards)["prompts"]
    return dataset(wildcards.dataset)["prompts"]
