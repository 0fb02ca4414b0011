# What jobs ask a scheduler for. Every job asks for more each time it is tried again.
from functools import cache

from diffusion_classifier.config.methods import questions
from diffusion_classifier.operations.job_resources import (
    ENCODED,
    error_megabytes,
    megabytes,
    minutes,
    shard_images,
    stage_work,
    tensor_megabytes,
)


def growing(amount):
    """An amount that does not depend on what a job has to do."""
    return lambda wildcards, attempt: attempt * amount


def model_memory(name):
    """Main memory of a job that loads a model, in MB."""
    return model(name).get("mem_mb", 4000)


def growing_memory(model_of):
    """The memory of a job that loads the model that `model_of` names, given its wildcards."""
    return lambda wildcards, attempt: attempt * model_memory(model_of(wildcards))


@cache
def work(evaluation, dataset, stage):
    return stage_work(config, evaluation, dataset, stage)


@cache
def images_of_shard(dataset):
    return shard_images(config, dataset)


def errors_minutes(evaluation, dataset, stage):
    asked = work(evaluation, dataset, int(stage))
    return minutes(asked and asked.evaluations, config["evaluations"][evaluation].get("rate"))


def errors_megabytes(evaluation, dataset, stage):
    name, own = config["evaluations"][evaluation]["model"], work(evaluation, dataset, int(stage))
    tensors = 2 * (images_of_shard(dataset) or 0) + config["noise"]["size"]
    held = tensor_megabytes(tensors, model(name)["latent_shape"])
    return megabytes(model_memory(name), held + error_megabytes([own]))


def latents_minutes(name, dataset):
    return minutes(images_of_shard(dataset), ENCODED)


def latents_megabytes(name, dataset):
    held = tensor_megabytes(2 * (images_of_shard(dataset) or 0), model(name)["latent_shape"])
    return megabytes(model_memory(name), held)


def reading_megabytes(wildcards, attempt):
    """The memory of a job that reads a shard's errors of all stages."""
    asked = [work(wildcards.evaluation, wildcards.dataset, s) for s in all_stages(wildcards)]
    return megabytes(1000, error_megabytes(asked), attempt)


# --- arrays


def errors_asked():
    """Evaluation, data set and stage of all jobs that measure errors."""
    return [
        (evaluation, dataset, stage)
        for table in config["tables"]
        for evaluation, dataset in questions(config, table)
        for stage in [
            *all_stages(SimpleNamespace(evaluation=evaluation, dataset=dataset)),
            *([GROUPS] if groups_of(config, evaluation, dataset) else []),
        ]
    ]


def latents_asked():
    return [(config["evaluations"][name]["model"], data) for name, data, _ in errors_asked()]


@cache
def most(quantity, asked):
    return max((quantity(*names) for names in asked()), default=0)


def alike(rule, quantity, asked, wildcards):
    """What a job asks for; the most that any of its rule does if they are submitted as an array.

    All tasks of an array of SLURM's get what its first one asks for.
    """

    def ask(own, attempt):
        arrays = getattr(workflow.executor_settings, "array_jobs", None) or ""
        if {rule, "all"} & set(re.split("[,; ]+", arrays)):
            return attempt * most(quantity, asked)
        return attempt * quantity(*(own[name] for name in wildcards))

    return ask


def errors_ask(quantity):
    return alike("errors", quantity, errors_asked, ["evaluation", "dataset", "stage"])


def latents_ask(quantity):
    return alike("latents", quantity, latents_asked, ["model", "dataset"])
