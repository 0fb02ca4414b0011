"""The plan of a config, without Snakemake."""

import yaml

from diffusion_classifier.config.configuration import check_config
from plan import Plan


def planned(root, folder, monkeypatch, name="config.yaml", edit=None):
    monkeypatch.chdir(folder)
    config = yaml.safe_load((root / name).read_text(encoding="utf-8"))
    if edit:
        edit(config)
    check_config(config, root)
    return Plan(config, root)
