"""The notebooks as they are committed."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def test_there_is_one_of_every_table_and_the_benchmarks():
    tables = ["accuracy", "benchmarks", "compositional", "matching", "robustness", "self_bench"]
    assert [path.stem for path in NOTEBOOKS] == sorted([*tables, "quickstart"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs(path):
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert code[0]["metadata"]["tags"] == ["parameters"]
    assert len({cell["id"] for cell in cells}) == len(cells)
