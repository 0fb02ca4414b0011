"""The notebook that shows the Python interface, executed as it is."""

import json

import pytest

from diffusion_classifier.tables.notebook_pages import execute


@pytest.fixture(scope="module")
def executed(root, tmp_path_factory):
    output = tmp_path_factory.mktemp("quickstart") / "quickstart.ipynb"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        execute(root / "notebooks" / "quickstart.ipynb", output, {})
    return {cell["id"]: cell for cell in json.loads(output.read_text())["cells"]}


def data(cell, kind):
    return ["".join(o["data"][kind]) for o in cell["outputs"] if kind in o.get("data", {})]


def test_it_answers_and_draws(executed):
    (answer,) = data(executed["three-lines"], "text/plain")
    assert "'label': 'heart'" in answer.splitlines()[0]
    for name in ("several", "errors", "images", "reliability"):
        assert len(data(executed[name], "image/png")) == 1, name
    assert "(image: 1, prompt: 6, sample: 25)" in data(executed["errors"], "text/plain")[0]


def test_calibration_makes_probabilities_better(executed):
    (table,) = data(executed["compared"], "text/plain")
    rows = {line.split()[0]: list(map(float, line.split()[1:])) for line in table.splitlines()[1:]}
    before, after = rows["log_likelihood"]
    assert after > before
    before, after = rows["ece"]
    assert after < before
