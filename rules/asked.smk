# What each baseline is asked, and what it learns for that.
from functools import cache

from diffusion_classifier.config.methods import asked_datasets, network_methods, training_set


def methods_of_kind(*kinds):
    """The baseline methods of these kinds (each seed is a method)."""
    names = METHODS["baseline"]
    return [name for name in names if baseline_spec(config, name)["kind"] in kinds]


@cache
def asked(method):
    """The data sets that a baseline classifies."""
    return asked_datasets(config, method)


def asked_alike(*kinds):
    """The baselines of these kinds that classify the same data sets: (number, sets, methods).

    A rule's outputs cannot depend on its wildcards otherwise, so each of these is a rule.
    """
    alike = {}
    for method in methods_of_kind(*kinds):
        alike.setdefault(tuple(asked(method)), []).append(method)
    alike.pop((), None)
    return [(n, datasets, methods) for n, (datasets, methods) in enumerate(alike.items(), 1)]


def numbered(rule, number):
    """A rule's name: mostly all baselines of a kind classify the same data sets."""
    return rule if number == 1 else f"{rule}_{number}"


def asked_pairs(methods):
    """Each of these baselines with each data set that it classifies."""
    return [(method, dataset) for method in methods for dataset in asked(method)]


def prompts_of(method):
    """The set of prompts of each data set that a baseline classifies."""
    return [dataset(name)["prompts"] for name in asked(method)]


def tasks(method):
    """The sets of prompts that a baseline answers, each once: what it learns."""
    return list(dict.fromkeys(prompts_of(method)))


def learned_from(method):
    """The data set that a baseline learns each of its sets of prompts from."""
    return [training_set(config, f"{method}/{task}") for task in tasks(method)]


def network_pairs():
    """`asked_pairs` of the networks that are shipped or trained here."""
    return asked_pairs(network_methods(config))


def asked_networks():
    """The network METHOD/PROMPTS that answers each of `network_pairs`."""
    return [f"{method}/{dataset(name)['prompts']}" for method, name in network_pairs()]


def chance_pairs():
    """`asked_pairs` of guessing, each seed a method."""
    return asked_pairs(methods_of_kind("chance"))


def task_folders(method):
    return [network_folder(f"{method}/{task}") for task in tasks(method)]


def predictions_file(method, dataset):
    return f"{RESULTS}/predictions/{method}/{dataset}.parquet"


def prompts_csv(prompts):
    return f"{RESULTS}/prompts/{prompts}.csv"


def fitted_part(method):
    """What of a baseline's entry decides what it learns."""
    spec = baseline_spec(config, method)
    others = ("label", "published", "seeds", "tasks", "weights", "group")
    return {k: v for k, v in spec.items() if k not in others}


def task_sets(wildcards):
    """The data sets that a probe of one set of prompts is fitted and chosen on."""
    return baseline_spec(config, wildcards.probe)["tasks"][wildcards.prompts]
