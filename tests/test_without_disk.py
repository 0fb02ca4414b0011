"""What jobs on machines without the user's files are told and sent."""

import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from diffusion_classifier.config.configuration import check_config, complete_config
from diffusion_classifier.weights.copying import copy_weights
from plan import Plan
from rule_functions import Jobs
from without_disk import VARIABLE, in_job, tell, told, travelling, without_disk


def workflow(mode, usage=("SOURCES", "INPUT_OUTPUT")):
    return SimpleNamespace(
        workflow_settings=SimpleNamespace(exec_mode=SimpleNamespace(name=mode)),
        storage_settings=SimpleNamespace(shared_fs_usage=[SimpleNamespace(name=n) for n in usage]),
        executor_settings=SimpleNamespace(array_jobs=""),
    )


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)


def test_who_shares_the_disk(monkeypatch):
    assert not without_disk(object()) and not without_disk(workflow("DEFAULT"))
    for part in ("INPUT_OUTPUT", "SOURCES"):
        assert without_disk(workflow("DEFAULT", usage=[part]))
    assert not in_job(workflow("REMOTE")) and not without_disk(workflow("REMOTE"))
    monkeypatch.setenv(VARIABLE, "{}")
    assert not in_job(workflow("DEFAULT"))
    # a step of a SLURM job, which Snakemake tells that everything is shared
    assert in_job(workflow("SUBPROCESS")) and without_disk(workflow("REMOTE"))


@pytest.mark.parametrize("name", ["config.yaml", "config/my-images.yaml", "tests/tiny.yaml"])
def test_a_job_reads_the_config_as_it_was_checked_without_the_users_files(
    root, tmp_path, monkeypatch, name
):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / name).read_text(encoding="utf-8"))
    own = {"source": "folder", "path": str(tmp_path / "mine"), "shards": "auto"}
    if name == "config/my-images.yaml":
        shutil.copytree(root / "resources/examples/shapes", tmp_path / "mine")
        config["datasets"]["mine"] |= own
        config["evaluations"]["my-evaluation"] |= {"rate": 15, "class_parts": "auto"}
        config["compute"]["job_minutes"] = 0.5
    checked, completed = deepcopy(config), deepcopy(config)
    check_config(checked, root)
    tell(checked)
    shutil.rmtree(tmp_path / "mine", ignore_errors=True)
    complete_config(completed, root, told())
    assert completed == checked
    if name == "config/my-images.yaml":
        assert checked["datasets"]["mine"]["shards"] > 1


def test_what_git_tracks_is_sent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, size in (("a b.csv", 1), ("é.csv", 1), ("large", 10_000_001), ("untracked", 1)):
        Path(name).write_bytes(b"0" * size)
    for command in (["init", "--quiet"], ["add", "a b.csv", "é.csv", "large"]):
        subprocess.run(["git", *command], check=True)
    sent = travelling(workflow("DEFAULT"), tmp_path)
    names = ["a b.csv", "./é.csv", "large", "untracked", "/etc/passwd", "missing"]
    assert [sent(name) for name in names] == [True, True, False, False, False, False]


def test_a_job_was_sent_what_it_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "{}")
    Path("there").touch()
    sent = travelling(workflow("REMOTE"), tmp_path)
    assert sent("there") and not sent("missing") and not sent("/etc/passwd")


@pytest.mark.parametrize(
    ("folder", "found"), [(".", "no git checkout"), ("inner", r"another folder .*\(inner\)")]
)
def test_a_folder_from_which_nothing_would_be_sent_is_refused(tmp_path, monkeypatch, folder, found):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(SystemExit, match=f"found `none` and as working folder {found}; expected"):
        travelling(workflow("DEFAULT"), tmp_path / folder)


def test_arrays_are_refused(tmp_path):
    asked = workflow("DEFAULT")
    asked.executor_settings.array_jobs = "errors,latents"
    with pytest.raises(SystemExit, match="--slurm-array-jobs: found 'errors,latents' with"):
        travelling(asked, tmp_path)


def test_no_input_of_a_job_is_a_file_that_it_is_sent():
    sent = {"notebooks/a.ipynb", "resources/b"}.__contains__
    jobs = Jobs("config.yaml", Path(), "results", lambda path: f"local {path}", sent)
    files = {"notebook": "notebooks/a.ipynb", "rest": ["resources/b", "results/c", "mine/d", []]}
    assert jobs.files_in(files) == {"notebook": [], "rest": ["results/c", "local mine/d", []]}


def test_folders_of_weights_are_copied_to_the_results_by_a_job_each(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    check_config(config, root)
    here, stored = Plan(config, root), Plan(config, root, stored=True)
    assert here.weights.copied("models") == here.weights.copied("baselines") == []
    names = stored.weights.copied("models")
    assert set(names) == set(config["models"])  # the default trains none
    for name in names:
        folder = f"results/weights/models/{name}"
        assert stored.models.inputs(name) == [folder] == [stored.models.folder(name)]
        assert stored.weights.original("models", name) == here.models.folder(name)
        assert stored.weights.original_files("models", name) == here.models.inputs(name)
    for method in stored.weights.copied("baselines"):
        assert stored.weights.pretrained(method).startswith("results/weights/baselines/")


def test_a_copy_of_weights_has_all_that_is_read(tmp_path):
    for name in ("a/x.safetensors", "a/merges.txt", "b/old.bin", ".git/config", "c/.hidden"):
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    copy_weights(tmp_path / "mine", tmp_path / "results/copy")
    found = {p for p in (tmp_path / "results/copy").rglob("*") if p.is_file()}
    inside = {str(p.relative_to(tmp_path / "results/copy")): p.read_text() for p in found}
    assert inside == {"a/x.safetensors": "a/x.safetensors", "a/merges.txt": "a/merges.txt"}


@pytest.mark.parametrize("precommand", ["cd .", "export PYTHONPATH=$PWD/workflow_scripts"])
def test_a_job_takes_the_library_that_it_was_sent_or_ends(root, tmp_path, precommand):
    """Runs only this chapter, in a shell as a job; another library is first in this Python."""
    other = tmp_path / "other/diffusion_classifier"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    code = (
        "from types import SimpleNamespace\n"
        f"workflow = SimpleNamespace(current_basedir={str(root / 'rules')!r}, remote_exec=True)\n"
        + (root / "rules" / "library.smk").read_text()
        + "\nimport subprocess, diffusion_classifier\nprint(diffusion_classifier.__file__)\n"
        "subprocess.run([sys.executable, '-c', 'import job; print(job.__file__)'])\n"
    )
    done = subprocess.run(
        ["sh", "-c", f'{precommand} && "$0" -c "$1"', sys.executable, code],
        capture_output=True, text=True, cwd=root,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(other.parent), "HOME": str(tmp_path)},
    )  # fmt: skip
    if precommand == "cd .":
        assert done.returncode == 1 and "found that of another folder" in done.stderr
        assert "write `export PYTHONPATH=$PWD/workflow_scripts` into" in done.stderr
    else:
        scripts = root / "workflow_scripts"
        expected = [scripts / "diffusion_classifier/__init__.py", scripts / "job.py"]
        assert sorted(done.stdout.split()) == sorted(map(str, expected))


def test_profiles_for_empty_folders_name_the_library_that_was_sent(root):
    lines = {"slurm-s3": "precommand: cd $(mktemp -d) && ", "generic": "# precommand: "}
    for profile, line in lines.items():
        text = (root / "profiles" / profile / "config.yaml").read_text()
        assert f"{line}export PYTHONPATH=$PWD/workflow_scripts" in text
