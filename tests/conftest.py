"""Fixtures of all tests: paths of the library and the golden data, and forbidden actions."""

import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LONGEST = (
    "test_scenes_workflow", "test_workflow", "test_slurm", "test_faults", "test_paper",
    "test_hierarchy_workflow", "test_instruction_sets", "test_gpu_check",
    "test_compositional_config", "test_search_workflow", "test_extending", "test_quickstart",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files that take minutes first, so that they do not remain at the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Path:
    """Inputs and outputs of the authors' implementation."""
    return ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def stored(tmp_path_factory):
    """The folder of a tiny network by its name in `stored_networks`, made when first needed."""
    from stored_networks import SAVED

    root = tmp_path_factory.mktemp("stored")

    def folder(name: str) -> Path:
        if not (root / name).exists():
            (root / name).mkdir()
            SAVED[name](root / name)
        return root / name

    return folder


@pytest.fixture(scope="session")
def dit(tmp_path_factory):
    """The folder of a tiny DiT, see `tiny_dit.save_dit`."""
    from tiny_dit import save_dit

    folder = tmp_path_factory.mktemp("dit")
    save_dit(folder)
    return folder


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """Caches of the hub's libraries below `tmp_path`, and no network."""
    from hub_cache import stay_alone

    stay_alone(tmp_path, monkeypatch)


@pytest.fixture
def outcome(request, capsys):
    """Print the outcome of a fault, if it was as expected."""
    message = []
    yield message.append
    if not message:
        return
    with capsys.disabled():
        print(f"\n{request.node.name.removeprefix('test_')}: {'; '.join(message)}")


@pytest.fixture
def offline(monkeypatch):
    """No network, and no pickles but as data."""
    import torch

    def refuse(*args, **kwargs):
        raise AssertionError(f"asked for {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    load = torch.load

    def load_data(*args, **kwargs):
        return load(*args, **kwargs) if kwargs.get("weights_only") is True else refuse(*args)

    monkeypatch.setattr(torch, "load", load_data)
