"""Execute notebooks and turn them into pages."""

from __future__ import annotations

import ast
import base64
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffusion_classifier.files import atomic, write_json, write_text
from diffusion_classifier.messages import without_home

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from traitlets.config import Config

NEEDS = "needs:"
_PAGE = """{%- extends 'lab/index.html.j2' -%}
{#- no notebook has formulas, but MathJax would read a $ in a name as the start of one -#}
{%- block html_head_js_mathjax -%}{%- endblock -%}
"""
_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
_LONGEST = 103
"""Bytes of the longest path of a Unix socket on macOS; Linux allows 107."""


def execute(
    notebook: str | os.PathLike,
    output: str | os.PathLike,
    parameters: dict[str, Any],
    workflow: str | os.PathLike = ".",
) -> None:
    """Run `notebook` with `parameters` by papermill; `output` appears only if all cells ran.

    Cells tagged `needs:NAME` are left out if the parameter NAME is empty, as a table may lack some
    of its parts. Paths below the folder `workflow` are written relative to it (`without_place`).
    A kernel spec of this run starts the present Python, whatever kernels the user has installed;
    Jupyter neither reads nor writes files in the user's home, and talks to the kernel through
    sockets in a private folder. Progress and tracebacks go to stderr.
    """
    import nbformat
    import papermill

    chosen = without_empty_parts(nbformat.read(os.fspath(notebook), as_version=4), parameters)
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "kernels" / "python3"
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        described = {"argv": command, "display_name": "Python 3", "language": "python"}
        write_json(described, spec / "kernel.json")
        os.environ["JUPYTER_PATH"] = folder
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            os.environ[name] = str(Path(folder) / name.lower())
        os.environ.setdefault("MPLBACKEND", "agg")
        with atomic(output) as temporary, private_channels(folder) as config:
            executed = papermill.execute_notebook(
                chosen, temporary, parameters, kernel_name="python3", progress_bar=False,
                config=config,
            )  # fmt: skip
            # papermill would store the whole notebook here, not its path
            executed.metadata.papermill["input_path"] = os.fspath(notebook)
            nbformat.write(without_place(executed, workflow), os.fspath(temporary))


@contextmanager
def private_channels(folder: str) -> Iterator[Config]:
    """Jupyter's settings with which a kernel's channels are sockets that only this user can open.

    By default they are TCP ports without encryption, to which other users of the machine may
    listen. The sockets lie in `folder`, or in a new folder of /tmp if that path is too long.
    """
    from traitlets.config import Config

    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        names = [str(Path(where) / "kernel") for where in (folder, short)]
        fits = len(os.fsencode(f"{names[0]}-0")) <= _LONGEST
        yield Config({"KernelManager": {"transport": "ipc", "ip": names[0 if fits else 1]}})


def without_place(notebook: NotebookNode, workflow: str | os.PathLike) -> NotebookNode:
    """`notebook` without the place of this machine where it ran.

    Paths below `workflow` become relative to it; the home folder becomes `~`.
    """
    below = f"{os.fspath(workflow)}{os.sep}"
    for part in (notebook.metadata, *notebook.cells):
        keys = {"source", "metadata"} if "cell_type" in part else set(part)  # not pictures
        for key in keys & set(part):
            part[key] = _replaced(without_home(part[key]), below)
    return notebook


def _replaced(value: Any, below: str) -> Any:
    """Remove the folder `below` from the paths in text or JSON-like data."""
    if isinstance(value, dict):
        return type(value)({key: _replaced(inner, below) for key, inner in value.items()})
    if isinstance(value, list):
        return [_replaced(inner, below) for inner in value]
    names = set(Path(below).parts) - {os.pardir}  # "." and "../.." name no folder
    return value.replace(below, "") if names and isinstance(value, str) else value


def without_empty_parts(notebook: NotebookNode, parameters: dict[str, Any]) -> NotebookNode:
    """`notebook` without the cells tagged `needs:NAME` whose parameter NAME is empty.

    NAME is a key of `parameters` or is assigned a literal in the cell tagged `parameters`. Raises
    KeyError if it is neither.
    """
    values = _defaults(notebook) | parameters
    notebook.cells = [
        cell
        for cell in notebook.cells
        if all(values[name.removeprefix(NEEDS)] for name in _tags(cell) if name.startswith(NEEDS))
    ]
    return notebook


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _defaults(notebook: NotebookNode) -> dict[str, Any]:
    """The values that the cell tagged `parameters` assigns."""
    source = "\n".join(cell.source for cell in notebook.cells if "parameters" in _tags(cell))
    return {
        line.targets[0].id: ast.literal_eval(line.value)
        for line in ast.parse(source).body
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
    }


def write_page(notebook: str | os.PathLike, page: str | os.PathLike) -> None:
    """Write an executed notebook as one self-contained HTML page without its code.

    Its pictures become WebP, without loss: in a report that Snakemake makes, Chromium opens no page
    of more than about 1.5 MB, and PNG takes nearly three times as much.
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        raw_template=_PAGE,
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    html, _ = exporter.from_filename(str(notebook))
    write_text(_PNG.sub(_as_webp, html), page)


def _as_webp(png: re.Match) -> str:
    from PIL import Image

    webp = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(png[1]))) as image:
        image.save(webp, "WEBP", lossless=True)
    return f"data:image/webp;base64,{base64.b64encode(webp.getvalue()).decode()}"
