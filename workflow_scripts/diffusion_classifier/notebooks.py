"""Executing notebooks and turning them into pages."""

from __future__ import annotations

import ast
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import atomic, write_json, write_text
from .startup import hidden

if TYPE_CHECKING:
    from nbformat import NotebookNode

NEEDS = "needs:"


def execute(
    notebook: str | os.PathLike, output: str | os.PathLike, parameters: dict[str, Any]
) -> None:
    """Run `notebook` with `parameters` by papermill; `output` appears only if all cells ran.

    Cells tagged `needs:NAME` are left out where the parameter NAME is empty: a table may go without
    some of its parts. The kernel is this very Python, whatever kernels are installed for the user:
    a kernel spec is written for the run alone. Nothing of the user's home is read or written, which
    may be another's or not to be written to. Progress and tracebacks go to stderr.
    """
    # what jsonschema, which checks notebooks, checks addresses with; half of the import's time
    with hidden({"rfc3987_syntax": None}):
        import nbformat
        import papermill

    chosen = without_empty_parts(nbformat.read(os.fspath(notebook), as_version=4), parameters)
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "kernels" / "python3"
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        write_json(
            {"argv": command, "display_name": "Python 3", "language": "python"},
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
            nbformat.write(executed, os.fspath(temporary))


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
        exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    html, _ = exporter.from_filename(str(notebook))
    write_text(html, page)
