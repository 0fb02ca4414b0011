"""A real SLURM of one node on this machine; see slurm/start.sh."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def running(root: Path, home: Path, gpus: int) -> Iterator[Path]:
    """A SLURM that declares so many devices, with its state in `home`; without one, skip."""
    home.chmod(0o755)
    scripts = root / "tests" / "slurm"
    try:
        started = subprocess.run(
            [scripts / "start.sh", home],
            env=os.environ | {"SLURM_GPUS": str(gpus)},
            capture_output=True,
            text=True,
        )
        if started.returncode == 3:
            pytest.skip(started.stderr.strip())
        assert started.returncode == 0, started.stderr
        yield home
    finally:
        subprocess.run([scripts / "stop.sh", home], check=True)
