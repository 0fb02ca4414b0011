"""A small config for costs, and how its costs are looked up."""

from diffusion_classifier.operations.costs import estimate

STAGES = {"samples": [5, 20], "keep": [2, 1], "loss": "l2"}  # all 20 steps, 5 of them first


def config(**changes):
    """A config of one table, one evaluation and one data set of 50 digits, and what `changes`."""
    sections = {
        "prompts": {"digits": {"classes": list("0123456789"), "templates": ["{}"]}},
        "datasets": {"mnist": {"source": "mnist", "limit": 50, "prompts": "digits"}},
        "evaluations": {"full": {"model": "sd", "stages": STAGES}},
        "baselines": {},
        "tables": {"accuracy": {"kind": "accuracy", "datasets": ["mnist"], "methods": ["full"]}},
    }
    return {name: content | changes.get(name, {}) for name, content in sections.items()}


def found(costs, method, dataset):
    (cost,) = (c for c in costs if (c.method, c.dataset) == (method, dataset))
    return cost


def only(config):
    (cost,) = estimate(config)
    return cost
