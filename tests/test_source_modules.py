"""Edits of a small library that change the identity of a script that uses a part of it."""

import json

import pytest

from diffusion_classifier.operations.code.identity import Code

FILES = {
    "rule.py": """
from job import compute, job
with job(snakemake):
    from diffusion_classifier import constants, files
    from diffusion_classifier.models import family, load
    from diffusion_classifier.tools import first as one
    compute(files.read(one, constants.SIZE), load, family(snakemake.params.family))
""",
    "job.py": "def job(): pass\ndef compute(*a): return a\n",
    "diffusion_classifier/__init__.py": "LIBRARY = 1\n",
    "diffusion_classifier/constants.py": "SIZE = SIDE**2\nSIDE = 3\nUNUSED = 4\n",
    "diffusion_classifier/files.py": """
def read(path, size):
    from .tools import lazily
    check(path)
    return lazily(path) * size
def write(path): return path
def check(path): assert path
""",
    "diffusion_classifier/tools/__init__.py": """
from .inner import first, second
from ..typed import Type
""",
    "diffusion_classifier/tools/inner.py": """
from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from ..typed import Type
import numpy as np
try:
    import fast
except ImportError:
    from .slow import slow as fast
from .stars import *
TABLE = {"a": 1}
TABLE["b"] = 2
def first(x: Type) -> Type: return TABLE, np.mean(x), fast, star
def second(x): return 2
""",
    "diffusion_classifier/tools/slow.py": "slow = 1\n",
    "diffusion_classifier/tools/stars.py": "star = 1\n",
    "diffusion_classifier/tools/lazily.py": """
def __call__(x): return helper(x)
def helper(x): return x
""",
    "diffusion_classifier/typed.py": "class Type: kind = 1\n",
    "diffusion_classifier/models/__init__.py": """
from importlib import import_module
from .registry import LOADERS
from . import plain
def family(name): return import_module("." + name, __name__)
def load(name): return LOADERS[name]
""",
    "diffusion_classifier/models/registry.py": """
LOADERS = {}
def register(function):
    LOADERS[function.__name__] = function
    return function
""",
    "diffusion_classifier/models/plain.py": """
from .registry import register
@register
def plain(x): return helper(x)
def helper(x): return 1
def other(x): return 1
""",
    "diffusion_classifier/models/a_b.py": "class Model:\n    def predict(self): return 1\n",
    "diffusion_classifier/models/c.py": "class Model:\n    def predict(self): return 1\n",
}


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def identity(folder, **options):
    return Code(folder).identity("rule", **{"family": "a-b"} | options)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("rule.py", "SIZE)", "UNUSED)"),
        ("job.py", "return a", "return a[1:]"),
        ("constants.py", "SIZE = SIDE**2", "SIZE = SIDE**3"),
        ("constants.py", "SIDE = 3", "SIDE = 4"),
        ("files.py", "* size", "+ size"),
        ("tools/lazily.py", "return x\n", "return -x\n"),
        ("tools/__init__.py", "from .inner import first, second",
         "from .inner import first as second, second as first"),
        ("tools/inner.py", '"a": 1', '"a": 2'),
        ("tools/inner.py", 'TABLE["b"] = 2', 'TABLE["b"] = 3'),
        ("tools/inner.py", "import numpy as np", "import torch as np"),
        ("tools/slow.py", "slow = 1", "slow = 2"),
        ("tools/stars.py", "star = 1", "star = 2"),
        ("models/registry.py", "LOADERS = {}", "LOADERS = {'plain': None}"),
        ("models/plain.py", "helper(x): return 1", "helper(x): return 2"),
        ("models/plain.py", "@register\n", ""),
        ("models/a_b.py", "return 1", "return 2"),
        ("__init__.py", "LIBRARY = 1", "import numpy\nnumpy.seterr('raise')"),
    ],
)  # fmt: skip
def test_what_a_script_leads_to_counts(tmp_path, name, old, new):
    before = identity(write(tmp_path, FILES))
    path = tmp_path / ("" if name in FILES else "diffusion_classifier") / name
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    assert identity(tmp_path) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("job.py", "def job(): pass", "def job(): return 1"),
        ("constants.py", "UNUSED = 4", "UNUSED = 5"),
        ("constants.py", "SIZE = SIDE**2\nSIDE = 3", "SIDE = 3\nSIZE = SIDE**2"),
        ("files.py", "def write(path): return path", "def write(path): return str(path)"),
        ("files.py", "assert path", "assert path != 1"),
        ("tools/inner.py", "return 2", "return 3"),
        ("tools/inner.py", "x: Type", "x: 'np.ndarray'"),
        ("typed.py", "kind = 1", "kind = 2"),
        ("models/plain.py", "other(x): return 1", "other(x): return 2"),
        ("models/c.py", "return 1", "return 2"),
        ("models/__init__.py", "from .registry import LOADERS",
         "from . import registry\nfrom .registry import LOADERS"),
        ("__init__.py", "LIBRARY = 1", "LIBRARY = 2"),
    ],
)  # fmt: skip
def test_what_it_does_not_lead_to_does_not(tmp_path, name, old, new):
    before = identity(write(tmp_path, FILES))
    path = tmp_path / ("" if name in FILES else "diffusion_classifier") / name
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    assert identity(tmp_path) == before


def test_all_families_count_where_none_is_named(tmp_path):
    before = identity(write(tmp_path, FILES), family=None)
    write(tmp_path, {"diffusion_classifier/models/c.py": "class Model: pass\n"})
    assert identity(tmp_path, family=None) != before


def test_moving_a_definition_changes_nothing(tmp_path):
    before = identity(write(tmp_path, FILES))
    moved = {
        "diffusion_classifier/constants.py": "from .sizes import SIZE\nUNUSED = 4\n",
        "diffusion_classifier/sizes.py": "from .sides import SIDE\nSIZE = SIDE**2\n",
        "diffusion_classifier/sides.py": "SIDE = 3\n",
    }
    assert identity(write(tmp_path, moved)) == before


def test_two_functions_that_change_places_count(tmp_path):
    """The same definitions are there before and after, but others call them."""
    script = "from diffusion_classifier import one, two\nprint(one.f(1) - two.f(2))\n"
    library = {"one": "def f(x): return x\n", "two": "def f(x): return -x\n"}
    for number, names in enumerate([("one", "two"), ("two", "one")]):
        files = {f"diffusion_classifier/{name}.py": library[name] for name in library}
        renamed = script.replace("one, two", f"{names[0]} as one, {names[1]} as two")
        write(tmp_path / str(number), {"diffusion_classifier/__init__.py": "", **files})
        write(tmp_path / str(number), {"rule.py": renamed})
    assert identity(tmp_path / "0") != identity(tmp_path / "1")


def test_a_notebook_counts_by_its_code(tmp_path):
    def page(*cells):
        kinds = [{"cell_type": kind, "source": text} for kind, text in cells]
        path = tmp_path / "a.ipynb"
        path.write_text(json.dumps({"cells": kinds}))
        return identity(tmp_path, notebook=str(path))

    write(tmp_path, FILES)
    code = (
        "code",
        ["%matplotlib inline\n", "from diffusion_classifier import files\n", "files.write"],
    )
    before = page(("markdown", "# Title"), code)
    assert page(("markdown", "# Another"), code) == before != identity(tmp_path)
    (tmp_path / "diffusion_classifier/files.py").write_text(
        FILES["diffusion_classifier/files.py"].replace("return path", "return str(path)")
    )
    assert page(("markdown", "# Title"), code) != before


def test_source_that_cannot_be_parsed_is_named(tmp_path):
    write(tmp_path, FILES | {"diffusion_classifier/files.py": "def read(:\n"})
    with pytest.raises(SyntaxError, match=r"files\.py, line 1"):
        identity(tmp_path)
