"""The image of envs/Dockerfile and the requirements of profiles, seen without building."""

import re
import subprocess
from importlib.metadata import requires

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TEST_TOOLS = {"import-linter", "pytest", "pytest-xdist", "ruff", "snakefmt"}


def pins(text: str) -> dict[str, str]:
    """NAME==VERSION in `text`: normalised name → version."""
    found = re.findall(r"([\w.-]+)==([\w.+]+)", re.sub(r"#.*", "", text))
    return {canonicalize_name(name): version for name, version in found}


@pytest.fixture(scope="module")
def lock(root):
    return pins((root / "envs/requirements.lock").read_text())


@pytest.fixture(scope="module")
def dockerfile(root):
    return (root / "envs/Dockerfile").read_text()


def installed(root, dockerfile) -> dict[str, str]:
    """What the image's lines name: those of the file, and those that its `sed` finds."""
    (expression,) = re.findall(r"sed --quiet ('.*?') environment.yaml > pins.txt", dockerfile)
    command = f"sed --quiet {expression} {root / 'envs/environment.yaml'}"
    listed = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    return pins(dockerfile) | pins(listed.stdout)


def test_the_image_has_the_versions_of_the_lock(root, dockerfile, lock):
    found = installed(root, dockerfile)
    environment = yaml.safe_load((root / "envs/environment.yaml").read_text())
    (packages,) = (d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert found == pins("\n".join(packages)) | {"setuptools": lock["setuptools"]}
    assert found.items() <= lock.items()
    # whatever else these need is held to the lock too
    for line in re.findall(r"pip install .*", dockerfile):
        assert "--constraint requirements.lock" in line or "--no-deps" in line


def test_the_image_has_no_test_tools_and_all_else_is_pinned(root, dockerfile, lock):
    needed, new = set(), set(installed(root, dockerfile))
    while new:
        needed |= new
        parts = [Requirement(line) for name in new for line in requires(name) or ()]
        new = {canonicalize_name(p.name) for p in parts if not p.marker or p.marker.evaluate()}
        new -= needed
    own = {name for name in needed if name.startswith(("nvidia-", "cuda-", "triton"))}  # torch's
    assert needed - own <= lock.keys()
    assert not TEST_TOOLS & needed and lock.keys() > TEST_TOOLS


def test_layers_go_from_rarely_to_often_changed_and_hold_no_weights(dockerfile):
    copied = re.findall(r"^COPY (.*) \S+$", dockerfile, re.M)
    assert copied == [
        "envs/requirements.lock",
        "envs/environment.yaml envs/s3-requirements.txt",
        "pyproject.toml README.md LICENSE",
        "workflow_scripts",
    ]


@pytest.mark.parametrize("name", ["s3", "generic", "kubernetes", "slurm"])
def test_what_a_profile_needs_is_pinned_beside_the_lock(root, lock, name):
    """What has another version in the lock would change it."""
    lines = (root / f"envs/{name}-requirements.txt").read_text()
    found = pins(lines)
    assert found and not found.keys() & lock.keys()
    wanted = [line for line in lines.splitlines() if line and not line.startswith("#")]
    assert len(wanted) == len(found)
    profile = root / "profiles" / name / "config.yaml"
    assert (
        f"envs/{name}-requirements.txt"
        in profile.read_text() + (root / "docs/cluster.md").read_text()
    )


@pytest.mark.parametrize("name", ["default", "s3", "generic", "kubernetes", "slurm", "slurm-s3"])
def test_profiles_share_what_is_no_matter_of_where_jobs_run(root, name):
    profile = yaml.safe_load((root / f"profiles/{name}/config.yaml").read_text())
    for key in ("keep-going", "rerun-incomplete", "show-failed-logs"):
        assert profile[key] is True
    assert profile["rerun-triggers"] == ["mtime", "params", "input", "software-env"]
    assert re.fullmatch(r"\d+/(3|10|60)s", profile["max-jobs-per-timespan"])
    text = str(profile).lower()
    assert "secret_key:" not in text and "access_key:" not in text
