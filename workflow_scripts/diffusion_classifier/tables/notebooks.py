"""Executing notebooks and turning them into pages."""

from __future__ import annotations

import ast
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusion_classifier
from diffusion_classifier.files import atomic, write_json, write_text
from diffusion_classifier.messages import without_home

if TYPE_CHECKING:
    from nbformat import NotebookNode

NEEDS = "needs:"
_PAGE = """{%- extends 'lab/index.html.j2' -%}
{#- no notebook has formulas, and MathJax would take a $ in a name for the beginning of one -#}
{%- block html_head_js_mathjax -%}{%- endblock -%}
"""


def execute(
    notebook: str | os.PathLike,
    output: str | os.PathLike,
    parameters: dict[str, Any],
    workflow: str | os.PathLike = ".",
) -> None:
    """Run `notebook` with `parameters` by papermill; `output` appears only if all cells ran.

    What is written names paths below the folder `workflow` relative to it, see `without_place`.

    Cells tagged `needs:NAME` are left out where the parameter NAME is empty: a table may go without
    some of its parts. The kernel is this very Python, whatever kernels are installed for the user:
    a kernel spec is written for the run alone. Nothing of the user's home is read or written, which
    may be another's or not to be written to. Progress and tracebacks go to stderr.
    """
    import nbformat
    import papermill

    chosen = without_empty_parts(nbformat.read(os.fspath(notebook), as_version=4), parameters)
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "kernels" / "python3"
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        # the kernel imports the library that its job imports, installed or (in a container) not
        search = {"PYTHONPATH": str(Path(diffusion_classifier.__file__).resolve().parents[1])}
        write_json(
            {"argv": command, "display_name": "Python 3", "language": "python", "env": search},
            spec / "kernel.json",
        )
        os.environ["JUPYTER_PATH"] = folder
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            os.environ[name] = str(Path(folder) / name.lower())
        os.environ.setdefault("MPLBACKEND", "agg")
        with atomic(output) as temporary:
            executed = papermill.execute_notebook(
                chosen, temporary, parameters, kernel_name="python3", progress_bar=False
            )
            # papermill notes down what it was given, which here is a whole notebook
            executed.metadata.papermill["input_path"] = os.fspath(notebook)
            nbformat.write(without_place(executed, workflow), os.fspath(temporary))


def without_place(notebook: NotebookNode, workflow: str | os.PathLike) -> NotebookNode:
    """`notebook` without what tells where on this machine it ran.

    Paths below `workflow`, given as the notebook was, begin below it; the home folder is `~`.
    """
    below = f"{os.fspath(workflow)}{os.sep}"
    for part in (notebook.metadata, *notebook.cells):
        kept = {"source", "metadata"} if "cell_type" in part else set(part)  # not pictures
        for key in kept & set(part):
            part[key] = _replaced(without_home(part[key]), below)
    return notebook


def _replaced(said: Any, below: str) -> Any:
    """Text, or JSON-like data, without `below` where it begins a path."""
    if isinstance(said, dict):
        return type(said)({key: _replaced(value, below) for key, value in said.items()})
    if isinstance(said, list):
        return [_replaced(value, below) for value in said]
    names = set(Path(below).parts) - {os.pardir}  # "." and "../.." tell nothing
    return said.replace(below, "") if names and isinstance(said, str) else said


def without_empty_parts(notebook: NotebookNode, parameters: dict[str, Any]) -> NotebookNode:
    """`notebook` without the cells tagged `needs:NAME` for which NAME has nothing to show.

    NAME is a key of `parameters`, or else a literal in the cell tagged `parameters`. Raises
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
    """Write an executed notebook as one self-contained HTML page without its code."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        raw_template=_PAGE,
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    html, _ = exporter.from_filename(str(notebook))
    write_text(html, page)
