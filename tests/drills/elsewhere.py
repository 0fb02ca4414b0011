"""Jobs that start in an empty folder, with another environment and without the user's files."""

import subprocess
from pathlib import Path

from .store import KEYS, copied

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
    # 2 shards: a job takes at most a minute at this rate
    text = text.replace("source: folder", "source: folder\n    shards: auto")
    text = text.replace("model: my-model", "model: my-model\n    rate: 15")
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
        *("--cluster-generic-status-cmd", str(folder / "status")),
        *("--seconds-between-status-checks", "1", "--max-jobs-per-timespan", "100/1s"),
    ]
