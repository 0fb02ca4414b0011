"""What is printed of costs: what is known, what is not, and in which units."""

import subprocess
import sys

import pytest
import yaml
from cost_configs import STAGES, config, found, only

from diffusion_classifier.cli.commands import main
from diffusion_classifier.operations.costs import Cost, estimate, render


def test_what_is_not_known_is_said_not_guessed(tmp_path):
    bad = tmp_path / "prompts.csv"
    for text in [
        "nonsense\n",
        "",
        "prompt,classname,classidx\na,b,c\n",
        "prompt,classname,classidx\n",
    ]:
        bad.write_text(text, encoding="utf-8")
        cost = only(config(prompts={"digits": {"file": str(bad)}}))
        assert cost.prompts is cost.per_image is cost.evaluations is cost.hours is None
    missing = {"source": "folder", "path": "nowhere", "prompts": "digits"}
    unknown = config(
        datasets={"own": missing},
        evaluations={"full": {"model": "sd", "stages": STAGES, "rate": 100}},
        tables={"accuracy": {"datasets": ["own", "mnist"], "methods": ["full"]}},
    )
    costs = estimate(unknown)
    assert found(costs, "full", "own").images is None
    lines = render(costs).splitlines()
    (row,) = (line for line in lines if line.split()[:2] == ["full", "own"])
    assert row.split()[2:] == ["?", "10", "80", "?", "100", "2", "?"]
    (total,) = (line for line in lines if line.startswith("all tables"))
    assert total == ("all tables: at least 4,000 evaluations in 4 jobs, at least 1 min of a device")


def test_unknown_sets_of_features_are_shown_one_by_one():
    probe = [
        Cost("t", "probe", name, images, 3, 0, None) for name, images in [("a", 5), ("b", None)]
    ]
    lines = render(probe).splitlines()
    assert [line.split() for line in lines[2:4]] == [
        ["probe", "a", "5", "3", "15", "?", "?"],
        ["probe", "b", "?", "3", "?", "?", "?"],
    ]
    assert "sum: at least 15 evaluations" in lines[4]


@pytest.mark.parametrize(
    ("evaluations", "shown"),
    [
        (3600 * 12, "12 h"),
        (3600 * 47, "47 h"),
        (3600 * 81.6, "3.4 d"),
        (1800, "30 min"),
        (1, "1 min"),
    ],
)
def test_time_can_be_read(evaluations, shown):
    text = render([Cost("robustness", "dit", "imagenet", 1, evaluations, 1, 1.0)])
    assert f"{shown} of a device" in text and f" {shown}\n" in text


def test_numbers_can_be_read():
    text = render([Cost("robustness", "dit", "imagenet", 2000, 250000.0, 1200, 0.25, 1000)])
    assert "500,000,000" in text and "1,200 jobs" in text and " 0.25 " in text


def test_a_race_costs_at_most_what_its_stages_do():
    race = {**STAGES, "timesteps": "learned", "race": {"z": 2}, "samples": [5, 30]}
    calibration = {"datasets": {"digits": "train"}, "samples": 25, "classes": 4}
    entry = {"model": "sd", "stages": race, "calibration": calibration, "rate": 10.0}
    changed = config(
        evaluations={"full": entry}, datasets={"train": {"source": "mnist", "limit": 20}}
    )
    costs = estimate(changed)
    assert found(costs, "full", "mnist").per_image == 10 * 5 + 2 * 25
    assert found(costs, "full (calibration)", "train").evaluations == 20 * 4 * 25
    text = render(costs)
    assert "≤5,000" in text and "at most 7,000 evaluations" in text and "a race ends" in text
    assert "≤" not in render([found(costs, "full (calibration)", "train")])


def test_it_says_what_the_rates_are_and_what_is_left_out():
    stated, unstated = (Cost("t", "m", "d", 1, 1.0, 1, rate) for rate in (92.0, None))
    assert "the config states, not measured here" in render([stated])
    assert "State a `rate`" not in render([stated])
    assert "State a `rate`" in render([unstated]) and "measured here" not in render([unstated])
    assert all("Not counted: training" in render([cost]) for cost in (stated, unstated))


@pytest.mark.parametrize("name", ["config.yaml", "config/paper.yaml"])
def test_the_configs_fit_on_a_page(root, name):
    costs = estimate(yaml.safe_load((root / name).read_text(encoding="utf-8")))
    assert None not in [cost.evaluations for cost in costs]
    assert max(map(len, render(costs).splitlines())) <= 100


def test_it_does_not_keep_a_dry_run_waiting(root):
    code = (
        "import sys, diffusion_classifier.operations.costs\n"
        "print({'torch', 'pandas'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    where = root / "workflow_scripts"
    assert subprocess.run(command, cwd=where, capture_output=True, text=True).stdout == "set()\n"


def test_the_command_says_what_a_config_costs(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paths = [str(root / name) for name in ("config.yaml", "config/seeds.yaml")]
    assert main(["costs", "--configfile", paths[0]]) == 0
    once = capsys.readouterr().out
    assert "all tables: at most 16,638,200 evaluations in 21 jobs" in once
    assert main(["costs", "--configfile", *paths]) == 0
    thrice = capsys.readouterr().out
    assert "scenes-seed2" in thrice and "scenes-seed2" not in once
    assert main(["costs", "--configfile", "none.yaml"]) == 2
    assert capsys.readouterr().err.startswith("costs: --configfile: none.yaml cannot be read")
