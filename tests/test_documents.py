"""Documents: links lead to files, YAML can be pasted, messages are those of the program."""

import ast
import re
import shutil
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.messages import InputError

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "config/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "resources").rglob("README.md")),
]
BASES = ("config.yaml", "config/my-images.yaml")
"""Configs to which a document's YAML may be added."""
YAML = [
    (path.relative_to(ROOT).as_posix(), block)
    for path in DOCUMENTS
    if path.name != "extending.md"  # whose examples test_extending.py uses
    for block in re.findall(r"^```yaml\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path):
    links = re.findall(r"\]\(([^)#\s]*)(?:#[^)\s]*)?\)", path.read_text("utf-8"))
    local = [link for link in links if link and "://" not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("of", YAML, ids=lambda of: of[0])
def test_yaml_can_be_pasted(of, tmp_path, monkeypatch):
    block = of[1]
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "resources/examples/shapes", tmp_path / "photos-for-training")
    (tmp_path / "my-prompts.csv").write_text(
        "prompt,classname,classidx\na cat,cat,0\na dog,dog,1\n"
    )
    added = yaml.safe_load(block)
    assert added
    refused = []
    for base in BASES:
        config = yaml.safe_load((ROOT / base).read_text("utf-8"))
        update_config(config, added)
        try:
            check_config(config, ROOT)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) < len(BASES), refused


def test_messages_are_those_of_the_program():
    library = ROOT / "workflow_scripts" / "diffusion_classifier"
    texts = [
        node.value
        for path in library.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    page = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    shown = re.findall(r"^\| `([^`]+)` \|", page, re.M)
    assert len(shown) > 10
    assert [message for message in shown if not any(message in text for text in texts)] == []
