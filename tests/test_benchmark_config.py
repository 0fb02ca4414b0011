"""The benchmarks' section of a config is right, or one line says where it is not."""

import pytest
import yaml
from snakemake.utils import update_config

from diffusion_classifier.benchmarks.benchmark_config import checked_benchmark
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.messages import InputError


def benchmark(root):
    """The default config with what config/benchmark.yaml adds, and the section `benchmark`."""
    config = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    added = yaml.safe_load((root / "config" / "benchmark.yaml").read_text(encoding="utf-8"))
    update_config(config, added)
    return config, config.pop("benchmark")


def test_the_benchmarks_pass_with_the_default(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, section = benchmark(root)
    check_config(config, root)
    assert checked_benchmark(section, config) == section


def test_benchmarks_take_the_first_of_several_trainings(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, section = benchmark(root)
    config["models"]["digits-dit"]["seeds"] = [1, 2]
    check_config(config, root)
    assert checked_benchmark(section, config)["shard"]["evaluation"] == "digits-seed1"


@pytest.mark.parametrize(
    ("edit", "output"),
    [
        (lambda spec: spec.clear(), "benchmark: found none of its keys, but the key `"),
        (lambda spec: spec["shard"].update(dataset="mnits"), "did you mean `mnist`?"),
        (
            lambda spec: spec["policies"]["shapes-1000"].update(prior="scenes-prior-race"),
            "whose prior `clip-seed0` is in no table with the data set `shapes-1000`",
        ),
    ],
)
def test_benchmarks_that_cannot_work_are_refused(root, tmp_path, monkeypatch, edit, output):
    monkeypatch.chdir(tmp_path)
    config, section = benchmark(root)
    check_config(config, root)
    edit(section)
    with pytest.raises(InputError) as error:
        checked_benchmark(section, config)
    assert str(error.value).startswith("benchmark") and output in str(error.value)
