"""What the tests in docs/extending.md share: a config that names what was added."""

from pathlib import Path

import yaml

from diffusion_classifier.config.configuration import check_config

ROOT = Path(__file__).parents[1]


def config():
    """The config of the smallest workflow."""
    return yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text(encoding="utf-8"))


def check(**sections):
    """`config` with these sections instead of its own, checked."""
    whole = config() | sections
    check_config(whole, ROOT)
    return whole
