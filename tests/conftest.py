"""Shared by all tests: where the library and the golden data are."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Path:
    """Inputs and outputs of the authors' implementation."""
    return ROOT / "tests" / "golden"
