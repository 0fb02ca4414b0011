"""Executing notebooks and turning them into pages."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from .files import atomic, write_json, write_text


def execute(
    notebook: str | os.PathLike, output: str | os.PathLike, parameters: dict[str, Any]
) -> None:
    """Run `notebook` with `parameters` by papermill; `output` appears only if all cells ran.

    The kernel is this very Python, whatever kernels are installed for the user: a kernel spec
    is written for the run alone. Progress and tracebacks go to stderr.
    """
    import papermill

    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "kernels" / "python3"
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        write_json(
            {"argv": command, "display_name": "Python 3", "language": "python"},
            spec / "kernel.json",
        )
        os.environ["JUPYTER_PATH"] = folder
        os.environ.setdefault("MPLBACKEND", "agg")
        with atomic(output) as temporary:
            papermill.execute_notebook(
                notebook, temporary, parameters, kernel_name="python3", progress_bar=False
            )


def write_page(notebook: str | os.PathLike, page: str | os.PathLike) -> None:
    """Write an executed notebook as one self-contained HTML page without its code."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    html, _ = exporter.from_filename(str(notebook))
    write_text(html, page)
