"""The real workflow, end to end, on a tiny config; and what changes make it compute again."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from workflows import digests, library_edits, own_library, planned, run_copy, snakemake

from diffusion_classifier.config.methods import image_spec
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.operations.code.identity import Code
from diffusion_classifier.scores.accuracy import LONG
from diffusion_classifier.selection.learned_timesteps import learned_samples

TABLE = {"table": 1}
"""The job that renders a table."""
PAGES = TABLE | {"explorer": 1}
"""The same, and the one that writes the page of its images."""


def predicted(whole, shards):
    """The jobs that predict `whole` data sets, and others in two shards each, `shards` in all."""
    several = {"shard_predictions": shards, "concatenate_predictions": shards // 2}
    return {"predictions": whole} | several


@pytest.fixture(scope="module")
def project(root, tmp_path_factory):
    """A copy of the project in which the tiny config has been run once."""
    return run_copy(root, tmp_path_factory.mktemp("project"), "tiny.yaml")


@pytest.fixture
def changed(project):
    """Change the tiny config for one test: `changed(lambda config: ...)`."""
    path = project / "tiny.yaml"
    text = path.read_text()

    def change(edit):
        config = yaml.safe_load(text)
        edit(config)
        path.write_text(yaml.safe_dump(config, sort_keys=False))

    yield change
    path.write_text(text)


def test_everything_is_made(project):
    table = pd.read_csv(project / "results/tables/robustness/table.csv")
    assert list(table.columns) == LONG
    assert set(table["metric"]) == {"top1", "mean_per_class"}
    diffusion = table[table["method"].str.startswith("Diffusion Classifier")]
    assert sorted(diffusion["method"].str.extract(r"\[(.*)\]")[0].unique()) == [
        "Huber", "L1", "L2", "L2+VLB", "VLB",
    ]  # fmt: skip
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    for name in ("paired", "effective", "timesteps", "evaluations", "examples"):
        assert (project / f"results/tables/robustness/{name}.svg").read_text().count("<path") > 5
        assert (project / f"results/tables/robustness/{name}.png").stat().st_size > 5000
    assert r"\toprule" in (project / "results/tables/robustness/table.tex").read_text()
    report = (project / "results/report.html").read_text()
    assert "Robustness" in report and "effective.svg" in report


def test_accuracy_is_that_of_the_stored_errors(project):
    """Brute force: stage 1 over all classes, three kept, the mean over both stages decides."""
    data = pd.read_parquet(project / "results/data/mnist.parquet")
    folder = project / "results/errors/staged/mnist"
    stages = [
        xr.concat([xr.load_dataset(p) for p in sorted((folder / f"stage{k}").glob("*.nc"))], "pair")
        for k in (1, 2)
    ]
    correct, evaluations = [], []
    for image, label in zip(data["image"], data["label"], strict=True):
        first, second = (
            dict(zip(stage["prompt"].values, stage["l2"].values, strict=True))
            for stage in (s.isel(pair=s["image"].values == image) for s in stages)
        )
        kept = sorted(first, key=lambda c: first[c].mean())[:3]
        assert sorted(second) == sorted(kept)
        mean = {c: np.concatenate([first[c], second[c]]).mean() for c in kept}
        correct.append(min(mean, key=mean.get) == label)
        evaluations.append(sum(map(len, first.values())) + sum(map(len, second.values())))
    scores = pd.read_csv(project / "results/scores/robustness.csv")
    asked = "method == 'Diffusion Classifier [L2]' and dataset == 'mnist' and metric == 'top1'"
    row = scores.query(asked)
    assert row["value"].item() == pytest.approx(100 * np.mean(correct), abs=1e-3)
    assert row["evaluations"].item() == np.mean(evaluations)
    assert row["images"].item() == len(data) == 30


def test_a_race_spends_less_and_its_survivors_win(project):
    """Brute force from the stored errors of a race after a stage, on learned timesteps."""
    folder = project / "results/errors/race/mnist"
    densities = pd.read_csv(project / "results/timesteps/race/digits.csv")
    expected = learned_samples(densities, [2, 12], "l2")
    stages = []
    for k in (1, 2):
        files = sorted((folder / f"stage{k}").glob("*.nc"))
        stages.append(xr.concat([xr.load_dataset(path) for path in files], "pair"))
        assert stages[-1]["timestep"].values.tolist() == [s.timestep for s in expected[k - 1]]
        assert stages[-1]["weight"].values.tolist() == [s.weight for s in expected[k - 1]]
    table = pd.read_parquet(project / "results/predictions/race/mnist.parquet")
    table = table[table["loss"] == "l2"].set_index("image")
    weights = np.concatenate([stage["weight"].values for stage in stages])
    left_early = 0
    for image, row in table.iterrows():
        first, second = (
            dict(zip(stage["prompt"].values, stage["l2"].values, strict=True))
            for stage in (s.isel(pair=s["image"].values == image) for s in stages)
        )
        assert len(first) == 10 and len(second) == 6
        seen = {c: (~np.isnan(errors)).sum() for c, errors in second.items()}
        left_early += sum(count < 10 for count in seen.values())
        finalists = [c for c in seen if seen[c] == max(seen.values())]
        n = 2 + max(seen.values())
        mean = {c: np.average([*first[c], *second[c]][:n], weights=weights[:n]) for c in finalists}
        assert row["prediction"] == min(mean, key=mean.get)
        assert row["evaluations"] == 20 + sum(seen.values())
    assert left_early > 60


def test_adversarial_images_fool_the_network_that_chose_them(project):
    found = pd.read_parquet(project / "results/predictions/resnet-seed0/adversarial.parquet")
    assert len(found) == 20 and (found["prediction"] != found["label"]).all()


def test_the_positions_of_adversarial_images_give_them_again(project):
    config = yaml.safe_load((project / "tiny.yaml").read_text())
    positions = str(project / "results/data/adversarial-indices.csv")
    again = dataset(image_spec(config, "pool") | {"indices": positions})
    chosen = pd.read_parquet(project / "results/data/adversarial.parquet")
    pd.testing.assert_frame_equal(again, chosen)


def test_guesses_stand_in_the_table(project):
    table = pd.read_csv(project / "results/tables/robustness/table.csv").query("metric == 'top1'")
    guessed = table[table["method"] == "Chance"].set_index("dataset")
    assert guessed["images"].to_dict() == {"mnist": 30, "adversarial": 20}
    assert (guessed["trainings"] == 2).all()
    text = (project / "results/tables/robustness/table.txt").read_text()
    assert "2 seeds" in text and "1 training" in text


def test_no_file_tells_where_the_project_lies(project):
    texts = (".html", ".ipynb", ".log", ".csv", ".json", ".svg", ".txt", ".tex")
    written = [path for path in (project / "results").rglob("*") if path.suffix in texts]
    assert len(written) > 20
    for path in written:
        assert str(project) not in path.read_text(errors="ignore"), path


def test_running_again_does_nothing_and_says_so(project):
    before = digests(project / "results/errors")
    result = snakemake(project, "--cores", "1")
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout + result.stderr
    assert digests(project / "results/errors") == before


@pytest.fixture
def edit(project):
    """Edit files of the library for one test: `edit(name, old, new)`."""
    with library_edits(project) as change:
        yield change


def test_a_plot_renders_the_page_and_comments_messages_and_versions_do_nothing(
    project, edit, tmp_path, monkeypatch
):
    edit("tables/figures/plots.py", "PALETTE = ", "PALETTE = 2 * ")
    edit("engine/losses.py", '"""L1, L2', '# a comment\n    """L1, L2')
    edit("data/prompt_sets.py", "expected", "which should be")
    edit("progress.py", "WINDOW = 60.0", "WINDOW = 6.0")
    edit("../errors.py", "start = time", "# the clock runs\n    start = time")
    for name in ("torch", "diffusers"):
        metadata = tmp_path / f"{name}-99.9.dist-info/METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.9\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert planned(project) == TABLE


def test_editing_the_engine_recomputes_errors(project, edit):
    found = xr.load_dataset(project / "results/errors/exhaustive/mnist/stage1/0-0.nc")
    options = {"family": "dit", "unused": ("gap_race", "learned_samples")}
    assert found.attrs["code"] == Code(project / "workflow_scripts").identity("errors", **options)
    edit("engine/losses.py", "F.l1_loss", "F.smooth_l1_loss")
    every = {"timesteps": 1, "errors": 20, "prune": 6, "curves": 1, "scores": 1}
    assert planned(project) == every | predicted(whole=2, shards=4) | PAGES


def test_editing_the_notebook_renders_only_the_notebook(project):
    path = project / "notebooks/robustness.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = ["# Another title"]
    path.write_text(json.dumps(notebook))
    assert planned(project) == TABLE


def test_changing_the_last_stage_recomputes_that_stage_and_what_follows(project, changed):
    changed(lambda c: c["evaluations"]["staged"]["stages"].update(samples=[4, 20]))
    jobs = planned(project)
    # stage 2 of two shards and one, each in two class parts; nothing of stage 1, no pruning
    assert jobs == {"errors": 6, "scores": 1} | predicted(whole=1, shards=2) | PAGES


def test_changing_how_many_are_kept_prunes_again(project, changed):
    changed(lambda c: c["evaluations"]["staged"]["stages"].update(keep=[2, 1]))
    jobs = planned(project)
    assert jobs == {"prune": 3, "errors": 6, "scores": 1} | predicted(whole=1, shards=2) | PAGES


def test_changing_a_race_runs_it_again_on_the_same_timesteps(project, changed):
    changed(lambda config: config["evaluations"]["race"]["stages"]["race"].update(z=3))
    # the last stage of two shards of one data set, and of another
    jobs = planned(project)
    assert jobs == {"errors": 3, "scores": 1} | predicted(whole=1, shards=2) | PAGES


def test_changing_the_loss_recomputes_no_error(project, changed):
    changed(lambda c: c["tables"]["robustness"].update(loss="l1"))
    assert planned(project) == PAGES


def test_only_networks_that_are_asked_for_are_trained(project, changed):
    def networks(edit):
        changed(edit)
        jobs = planned(project, "--forceall")
        return jobs["train_network"], jobs.get("predict_networks", 0)

    def table_without(config):
        config["tables"]["robustness"]["methods"].remove("resnet")

    def table_without_but_prior(config):
        table_without(config)
        config["evaluations"]["staged"]["prior"] = {"method": "resnet-seed1", "keep": 4}

    assert networks(lambda config: None) == (2, 1)
    assert networks(table_without) == (1, 0)  # the one that chooses the adversarial images
    assert networks(table_without_but_prior) == (2, 1)


def test_a_mistake_in_the_config_is_one_message(project, changed):
    changed(lambda c: c["evaluations"]["staged"].update(model="dot"))
    result = snakemake(project, "--cores", "1")
    message = result.stdout + result.stderr
    assert result.returncode == 1
    assert "evaluations.staged.model: found the unknown diffusion model `dot`" in message
    assert "did you mean `dit`?" in message or "expected one of `dit`" in message
    assert "Traceback" not in message


def test_a_killed_job_leaves_nothing_behind(project):
    """kill -9 in the middle of an errors job: no output, then it is made again, whole."""
    target = project / "results/errors/exhaustive/mnist/stage1/0-0.nc"
    whole = digests(target.parent)
    target.unlink()
    command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "1"]
    running = subprocess.Popen(
        [*command, "--", str(target.relative_to(project))],
        cwd=project,
        env=own_library(project),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    log = project / "results/logs/errors/exhaustive/mnist/stage1/0-0.log"
    log.unlink()
    while not log.exists():
        assert running.poll() is None
    os.killpg(running.pid, 9)
    running.wait()
    assert not target.exists()
    snakemake(project, "--unlock")
    result = snakemake(project, "--cores", "1", "--", str(target.relative_to(project)))
    assert result.returncode == 0, result.stdout + result.stderr
    left = xr.load_dataset(target)
    assert left.sizes == {"pair": 150, "sample": 5}
    assert set(digests(target.parent)) == set(whole)
