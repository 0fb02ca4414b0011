"""Jobs that start in an empty folder, with another environment and without the user's files."""

import os
import subprocess
from pathlib import Path

from workflows import own_library

from .store import BUCKET, KEYS, Store, copied

SUBMIT = """#!/bin/bash
# A machine of its own for a job: an empty folder and home, and no variable of this environment.
job=$(mktemp -d {nodes}/XXXXXX)
mkdir "$job/empty" "$job/home"
cp "$1" "$job/script"
cd "$job/empty" || exit 1
setsid env -i PATH={bin}:/usr/bin:/bin HOME="$job/home" AWS_SHARED_CREDENTIALS_FILE={keys} \\
    OMP_NUM_THREADS=1 bash -c 'bash ../script; echo $? > ../code' \\
    < /dev/null > "$job/output" 2>&1 &
echo "$job"
"""
LIBRARY = "export PYTHONPATH=$PWD/workflow_scripts"
STATUS = """#!/bin/bash
if [ ! -e "$1/code" ]; then echo running
elif [ "$(cat "$1/code")" = 0 ]; then echo success
else echo failed
fi
"""


def credentials(folder: Path) -> Path:
    """A file with the planted keys, as AWS's tools write it."""
    keys = [f"{name.lower()} = {value}" for name, value in KEYS.items()]
    path = folder / "credentials"
    path.write_text("\n".join(["[default]", *keys, ""]))
    return path


def checkout(root: Path, project: Path, own: Path) -> Path:
    """A git checkout of the project, whose config names images and a model in the folder `own`.

    git does not track these: they are a user's, and jobs on other machines cannot read them.
    """
    copied(root, project)
    (project / "resources/examples/shapes").rename(own / "my images")
    (project / "resources/models/scenes-sd").rename(own / "my model")
    config = project / "config/my-images.yaml"
    text = config.read_text()
    for old, new in (("examples/shapes", "my images"), ("models/scenes-sd", "my model")):
        assert f"resources/{old}" in text
        text = text.replace(f"resources/{old}", str(own / new))
    stages = "samples: [5, 20], keep: [2, 1]"
    assert stages in text
    text = text.replace(stages, "samples: [5], keep: [1]")
    # 2 shards: a job takes at most a minute at this rate
    text = text.replace("source: folder", "source: folder\n    shards: auto")
    text = text.replace("model: my-model", "model: my-model\n    rate: 10")
    config.write_text(text.replace("device: auto", "device: cpu\n  job_minutes: 1"))
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    return project


def machines(folder: Path, python: Path, keys: Path) -> list[str]:
    """The arguments with which snakemake's executor cluster-generic submits to such machines."""
    (folder / "nodes").mkdir()
    names = {"nodes": folder / "nodes", "bin": python.parent, "keys": keys}
    for name, text in (("submit", SUBMIT.format(**names)), ("status", STATUS)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return [
        *("--executor", "cluster-generic", "--jobs", "2"),
        *("--cluster-generic-submit-cmd", str(folder / "submit")),
        *("--precommand", LIBRARY),
        *("--cluster-generic-status-cmd", str(folder / "status")),
        *("--seconds-between-status-checks", "1", "--max-jobs-per-timespan", "100/1s"),
    ]


def of_slurm(folder: Path) -> list[str]:
    """The arguments with which jobs of SLURM start in empty folders of `folder`/scratch.

    Their names begin with the number of the job, which the submitting machine does not know.
    """
    (scratch := folder / "scratch").mkdir()
    return [
        *("--workflow-profile", "profiles/slurm-s3", "--jobs", "2"),
        *("--precommand", f"cd $(mktemp -d {scratch}/$SLURM_JOB_ID.XXXXXX) && {LIBRARY}"),
        *("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5"),
        "--slurm-keep-successful-logs",
        *("--max-jobs-per-timespan", "100000/1s"),
    ]


def start(
    project: Path, python: Path, *arguments: str, store: Store | None = None, prefix: str = ""
) -> subprocess.Popen:
    """Start snakemake, with results in a `store`; its output is added to snakemake.log."""
    command = [python, "-m", "snakemake", "--configfile", "config/my-images.yaml", "--cores", "1"]
    env = own_library(project, OMP_NUM_THREADS="1")
    env["PATH"] = os.pathsep.join([str(python.parent), env["PATH"]])
    if store:
        command += ["--default-storage-provider", "s3", "--storage-s3-retries", "20"]
        command += ["--default-storage-prefix", f"s3://{BUCKET}/{prefix}"]
        command += ["--shared-fs-usage", "none", "--job-deploy-sources"]
        env["SNAKEMAKE_STORAGE_S3_ENDPOINT_URL"] = store.url
        env["AWS_SHARED_CREDENTIALS_FILE"] = str(project.parent / "credentials")
    with open(project / "snakemake.log", "a") as file:
        return subprocess.Popen(
            [*command, *arguments], cwd=project, env=env, stdout=file, stderr=file
        )
