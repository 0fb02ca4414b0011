"""The plan of a config, without Snakemake: the default's files, and the parameters of jobs."""

from pathlib import Path

import pytest
from plans import planned

from layout import GROUPS


@pytest.fixture
def plan(root, tmp_path, monkeypatch):
    """The plan of the default config."""
    return planned(root, tmp_path, monkeypatch)


@pytest.fixture
def staged(root, tmp_path, monkeypatch):
    """The plan of a config with several stages, shards and class parts."""
    return planned(root, tmp_path, monkeypatch, "tests/tiny.yaml")


def grouped(config):
    """The default with a prior and then groups for the pairs of colour and shape."""
    config["prompts"]["colour-shape"]["groups"] = {"prompts": "colours", "of": [*range(6)] * 6}
    config["evaluations"]["scenes"] |= {
        "hierarchy": {"samples": 5, "keep": 2},
        "prior": {"method": "scenes-exhaustive", "keep": 30},
    }
    del config["evaluations"]["scenes"]["calibration"]
    del config["evaluations"]["scenes"]["stages_for"]
    config["evaluations"]["scenes"]["stages"] = {"samples": [4, 8], "keep": [3, 1], "loss": "l1"}
    config["tables"] = {
        "pairs": {"kind": "accuracy", "datasets": ["seen", "shapes"], "methods": ["scenes"]}
    }


# --- evaluations


def test_a_stage_has_the_samples_that_no_earlier_one_had(staged):
    first, second = (staged.evaluations.samples("staged", "mnist", stage) for stage in (1, 2))
    assert (len(first), len(second)) == (4, 8)  # every 5th and every 2nd of a grid of 20
    assert not {*map(tuple, first)} & {*map(tuple, second)}
    assert staged.evaluations.samples("race", "mnist", 2) == [2, 12]  # learned: their number


def test_errors_are_files_by_stage_shard_and_class_part(staged):
    assert staged.evaluations.errors("staged", "mnist", [1, 2], [1]) == [
        f"results/errors/staged/mnist/stage{stage}/1-{part}.nc"
        for stage in (1, 2)
        for part in (0, 1)
    ]
    evaluations = staged.evaluations
    assert evaluations.earlier_errors("staged", "mnist", 1, 0) == []
    assert evaluations.raced_errors("staged", "mnist", 2, 0) == []
    assert evaluations.raced_errors("race", "mnist", 2, 0) == [
        "results/errors/race/mnist/stage1/0-0.nc"
    ]
    assert len(evaluations.all_errors("staged", "mnist")) == 2 * 2 * 2


def test_a_race_is_run_in_the_last_stage(staged):
    race = {"z": 0.5, "minimum": 4, "loss": "l2", "combine": "mean"}
    assert staged.evaluations.race("race", "mnist", 2) == race
    assert staged.evaluations.race("race", "mnist", 1) is None
    assert staged.evaluations.race("staged", "mnist", 2) is None


def test_timesteps_are_learned_where_the_stages_say_so(plan):
    assert plan.evaluations.timesteps("scenes", "seen", 1) == (
        "results/timesteps/scenes/colour-shape.csv"
    )
    assert plan.evaluations.timesteps("scenes-exhaustive", "shapes", 1) == []
    assert plan.calibrations.data("scenes", "shapes") == "results/data/shapes-calibration.parquet"
    assert plan.calibrations.uniform("scenes", "colour-shape") == 1
    assert plan.calibrations.latents("digits", "digits") == [
        "results/latents/digits-dit/mnist-calibration/0.safetensors"
    ]


def test_pairs_are_files_only_where_some_are_chosen(staged):
    assert staged.evaluations.pairs("staged", "mnist", 1, 0) == []
    assert staged.evaluations.earlier_pairs("staged", "mnist", 2, 0) == []
    pairs = "results/pairs/staged/mnist/stage2/0.parquet"
    assert staged.evaluations.last_pairs("staged", "mnist", 0) == pairs
    assert staged.candidates.choosing() == []


def test_an_errors_job_names_the_functions_that_it_does_not_call(staged):
    unused = staged.evaluations.unused_by_errors
    assert unused("staged", "mnist", 1) == ("gap_race", "learned_samples")
    assert unused("staged", "mnist", 2) == ("gap_race", "learned_samples", "shard_candidates")
    assert unused("race", "mnist", 2) == ("shard_candidates",)


# --- priors and groups


def test_groups_are_asked_about_first_where_prompts_have_some(root, tmp_path, monkeypatch):
    plan = planned(root, tmp_path, monkeypatch, edit=grouped)
    candidates, evaluations = plan.candidates, plan.evaluations
    assert candidates.groups("scenes", "shapes") is None
    assert candidates.prior("scenes", "seen") == {"keep": 30, "loss": "l2"}
    assert candidates.prior_predictions("scenes", "seen") == (
        "results/predictions/scenes-exhaustive/seen.parquet"
    )
    assert candidates.group_prompts("scenes", "seen") == "results/prompts/colours.csv"
    assert candidates.group_prompts("scenes", "shapes") == []
    assert candidates.best_groups("scenes", "shapes") == {}
    best = candidates.best_groups("scenes", "seen")
    assert (best["keep"], best["loss"], best["combine"]) == (2, "l1", "mean")
    errors = ["results/errors/scenes/seen/stage0/0-0.nc"]
    assert evaluations.group_errors("scenes", "seen") == errors
    assert evaluations.stage_conditions("scenes", "seen", GROUPS) == (
        "results/conditions/scenes-sd/colours.safetensors"
    )
    assert len(evaluations.samples("scenes", "seen", GROUPS)) == 5
    assert evaluations.pairs("scenes", "shapes", 1, 0) != []  # the prior chooses there too
    (stages,) = plan.tables.first_stages("pairs").values()
    assert [*stages] == ["seen", "shapes"]


# --- weights, data, and the user's own files


def test_weights_are_where_the_config_says(plan, staged):
    assert plan.models.inputs("digits-dit")[0].endswith(".json")
    assert Path(plan.models.folder("digits-dit")).is_dir()
    assert staged.models.inputs("dit") == [staged.models.folder("dit")] == ["results/models/dit"]
    assert staged.baselines.trained_networks() == ["resnet-seed0/digits", "resnet-seed1/digits"]
    assert plan.baselines.trained_networks() == []


def test_what_is_made_from_nothing_has_no_inputs(plan):
    assert plan.data.sources("mnist") == plan.data.prompts_source("digits") == []
    assert plan.data.prompts_source("winoground") == ["results/data/winoground.parquet"]
    (indices,) = plan.data.sources("mnist-adversarial")
    assert indices.endswith("resources/indices/mnist-adversarial.csv")
    assert plan.data.registered("mnist-pose") == ("mnist", "pose")


def test_a_file_with_a_brace_in_its_name_is_stood_for(root, tmp_path, monkeypatch):
    (tmp_path / "{a}.csv").write_text("prompt,classname,classidx\na,a,0\nb,b,1\n")

    def edit(config):
        config["prompts"]["mine"] = {"file": "{a}.csv"}

    plan = planned(root, tmp_path, monkeypatch, edit=edit)
    assert plan.data.prompts_source("mine") == ["results/given/prompts/mine.json"]
    assert plan.given.identity("prompts", "mine")["files"] == 1
    with pytest.raises(ValueError, match="section: found 'prompt'"):
        plan.given.files("prompt", "mine")


# --- baselines


def test_every_question_of_a_table_is_answered_by_one_job(plan):
    baselines = plan.baselines
    jobs = [
        *baselines.networks(),
        *plan.other_baselines.jobs(),
        *baselines.jobs("probe"),
        *baselines.clips(),
        *baselines.guesses(),
    ]
    answers = [file for job in jobs for file in baselines.predictions(job)]
    answers += [file for job in jobs for file in baselines.similarities(job)]
    asked = {
        *plan.tables.predictions("accuracy"),
        *plan.tables.predictions("robustness"),
        *plan.probabilities.predictions("robustness"),
        *plan.tables.similarities("winoground"),
        *plan.tables.matches("matching"),
        *plan.probabilities.predictions("robustness"),
    }
    ours = {"digits", "scenes", "scenes-winoground", *plan.tables.weighted("matching")}
    asked = {file for file in asked if file.split("/")[2] not in ours}
    assert len(answers) == len(set(answers)) and set(answers) == asked


def test_all_trainings_of_a_clip_are_one_job(plan):
    (job,) = plan.baselines.clips()
    assert job.methods == [f"clip-seed{seed}" for seed in (0, 1, 2)]
    assert (len(job.questions), len(job.similarities)) == (3 * 6, 3 * 3)
    assert [*plan.baselines.clip_models(job)] == job.methods


def test_a_probe_learns_each_set_of_prompts_once(plan):
    (job,) = plan.baselines.jobs("probe")
    tasks = ["shapes", "colours", "sizes", "colour-shape"]
    assert plan.baselines.tasks(job.method) == tasks
    assert plan.baselines.task_of(job) == [*tasks, "colour-shape", "shapes"]
    assert plan.baselines.task_data(job.method, "validation")[0] == (
        "results/data/shapes-validation.parquet"
    )
    assert len(plan.baselines.latents(job)) == 6


# --- resources


def test_an_array_asks_for_the_most_that_any_of_its_jobs_does(plan):
    shapes = plan.resources.errors_memory("scenes", "shapes", 1)
    seen = plan.resources.errors_memory("scenes", "seen", 1)
    assert shapes < seen
    plan.resources.array = lambda rule: rule == "errors"
    assert plan.resources.errors_memory("scenes", "shapes", 1) >= seen


def test_a_baseline_without_a_rule_of_its_own_is_told_what_it_learns_from(plan):
    others = plan.other_baselines
    jobs = {job.method: job for job in others.jobs()}
    assert [*jobs] == ["logistic-regression", "k-nearest"]
    assert others.learned_from("k-nearest") == ["results/data/mnist-train.parquet"]
    assert others.inputs("k-nearest") == [] and not others.uses_gpu("k-nearest")
    first, *_ = others.questions(jobs["k-nearest"])
    assert first == {
        "data": "results/data/mnist.parquet",
        "prompts": "results/prompts/digits.csv",
        "task": "digits",
        "train": "results/data/mnist-train.parquet",
    }
    assert others.setting("k-nearest") == {"seed": 0, "noise_seed": 0}


def test_a_pretrained_network_is_told_where_its_weights_are(root, tmp_path, monkeypatch):
    plan = planned(root, tmp_path, monkeypatch, "config/paper.yaml")
    others = plan.other_baselines
    for job in others.jobs():
        folder = f"results-paper/weights/baselines/{job.method}"
        folder = folder.replace("results-paper", plan.layout.results)
        assert others.inputs(job.method) == [others.setting(job.method)["folder"]] == [folder]
        assert others.uses_gpu(job.method) and others.learned_from(job.method) == []
        assert "task" not in others.questions(job)[0]
