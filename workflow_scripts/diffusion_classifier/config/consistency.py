"""What a schema cannot say of a config: that names exist and numbers fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusion_classifier.messages import InputError

from .checks.baseline_checks import check_baseline, check_spelling
from .checks.count_checks import check_counts
from .checks.dataset_checks import check_dataset
from .checks.evaluation_checks import (
    check_calibrations,
    check_evaluation,
    check_hierarchies,
    check_priors,
)
from .checks.model_checks import check_model, check_shapes
from .checks.prompt_checks import check_groups, check_prompts
from .checks.size_checks import check_sizes
from .checks.table_checks import check_tables
from .checks.weighting_checks import check_weightings
from .methods import method_names


def check_consistency(config: dict[str, Any], workflow: Path) -> None:
    """Raise InputError, naming key, value, expectation and remedy, for what cannot work."""
    check_spelling(config)
    for name, spec in config["prompts"].items():
        check_prompts(config, name, spec)
    for name in config["prompts"]:  # once all of them are known to be in order
        check_groups(config, name)
    for name, spec in config["datasets"].items():
        check_dataset(config, name, spec)
    for name, spec in config["models"].items():
        check_model(config, name, spec, workflow)
    for name, spec in config["evaluations"].items():
        check_evaluation(config, name, spec)
    for name, spec in config["baselines"].items():
        check_baseline(config, name, spec, workflow)
    names = [name for kind in method_names(config).values() for name in kind]
    clash = [name for name in names if names.count(name) > 1]
    if clash:
        raise InputError(
            f"baselines: found the name `{clash[0]}`, which another baseline or an evaluation has "
            "too; expected different names (a baseline with seeds is called <name>-seed<n>); "
            "rename one of them"
        )
    check_tables(config)
    check_calibrations(config)
    check_priors(config)
    check_hierarchies(config)
    check_weightings(config)
    check_sizes(config)
    check_counts(config)
    check_shapes(config, workflow)
