"""The kernels of notebooks: which channels they open, as seen from inside a kernel."""

import json
import stat
from pathlib import Path

import nbformat
import pytest

from diffusion_classifier.tables.notebook_pages import execute, private_channels

LOOK = """
import json, psutil
from ipykernel.connect import get_connection_info
from pathlib import Path

kernel = get_ipython().kernel
listening = {c.laddr.port for c in psutil.Process().net_connections("tcp") if c.status == "LISTEN"}
info = get_connection_info(unpack=True)
folder = Path(info["ip"]).parent
Path(seen).write_text(json.dumps({
    "info": {key: value for key, value in info.items() if key not in ("key", "signature_scheme")},
    "listening": sorted(listening),
    "of_forks": kernel.iopub_thread._pipe_port,
    "mode": folder.stat().st_mode if info["transport"] == "ipc" else None,
    "sockets": sorted(p.name for p in folder.glob("kernel-*")) if folder.is_dir() else [],
}))
print("a line of output")
"""


def looked(folder: Path) -> tuple[dict, nbformat.NotebookNode]:
    """What a kernel sees of its channels, and the executed notebook."""
    parameters = nbformat.v4.new_code_cell('seen = ""', metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(LOOK)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    nbformat.write(notebook, folder / "look.ipynb")
    execute(folder / "look.ipynb", folder / "done.ipynb", {"seen": str(folder / "seen.json")})
    seen = json.loads((folder / "seen.json").read_text())
    return seen, nbformat.read(folder / "done.ipynb", as_version=4)


def test_a_kernel_opens_no_channel_to_other_users(tmp_path, capfd):
    seen, done = looked(tmp_path)
    assert seen["info"]["transport"] == "ipc"
    ports = [value for key, value in seen["info"].items() if key.endswith("_port")]
    assert len(ports) == 5 and seen["sockets"] == sorted(f"kernel-{port}" for port in ports)
    assert stat.S_IMODE(seen["mode"]) == 0o700
    # ipykernel itself: on it forked processes hand in their output, and nothing is sent
    assert seen["listening"] == [seen["of_forks"]]
    printed = "".join(capfd.readouterr())
    assert "without encryption" not in printed and "TCP" not in printed
    assert done.cells[-1].outputs[0].text == "a line of output\n"
    assert not Path(seen["info"]["ip"]).parent.exists()


def test_a_temporary_folder_with_a_long_path_is_no_obstacle(tmp_path, monkeypatch):
    long = tmp_path / ("long-" * 20)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    seen, _ = looked(tmp_path)
    assert seen["info"]["ip"].startswith("/tmp/") and len(seen["sockets"]) == 5
    assert not list(long.iterdir())


@pytest.mark.parametrize(("length", "used"), [(94, True), (95, False)])
def test_the_longest_path_of_a_socket_is_that_of_macos(length, used):
    folder = "/" + "f" * (length - 1)  # and /kernel-1 are 103 bytes, or 104
    with private_channels(folder) as config:
        assert config.KernelManager.ip.startswith(folder) is used
