"""The identity of code: the rules that an edit affects, and code that it must include."""

import ast
import re
import shutil
import sys

import pytest
from workflows import library_edits

from diffusion_classifier.engine.journal import Journal, fingerprint
from diffusion_classifier.operations.code.identity import CHECK, MESSAGES, REGISTRIES, Code
from diffusion_classifier.operations.code.source_modules import Modules, Place
from diffusion_classifier.operations.table_provenance import PACKAGES

LIBRARY = "diffusion_classifier"
NOT_RACED = {"family": "dit", "unused": ("gap_race", "learned_samples")}
RULES = {
    "dataset": ("dataset", {"entries": ("mnist",)}),
    "latents": ("latents", {"family": "dit"}),
    "conditions": ("conditions", {"family": "dit"}),
    "pairs": ("pairs", {"unused": ("best_groups",)}),
    "errors": ("errors", NOT_RACED),
    "raced errors": ("errors", {"family": "dit"}),
    "SD errors": ("errors", NOT_RACED | {"family": "stable-diffusion"}),
    "prune": ("prune", {}),
    "predictions": ("predictions", {}),
    "scores": ("scores", {}),
    "train": ("train", {"entries": ("dit",)}),
    "train_network": ("train_network", {}),
    "guesses": ("predict_baseline", {"entries": ("chance",)}),
    "networks": ("predict_baseline", {"entries": ("resnet",)}),
    "accuracy": ("execute_notebook", {"notebook": "accuracy.ipynb"}),
}
"""Jobs: the script of each, and the parts of the library that it does not use."""
ERRORS = {"errors", "raced errors", "SD errors"}


def identities(folder):
    code, found = Code(folder / "workflow_scripts"), {}
    for rule, (script, options) in RULES.items():
        if "notebook" in options:
            options = {"notebook": str(folder / "notebooks" / options["notebook"])}
        found[rule] = code.identity(script, **options)
    return found


@pytest.fixture(scope="module")
def tree(root, tmp_path_factory):
    """A copy of the code."""
    folder = tmp_path_factory.mktemp("tree")
    for part in ("workflow_scripts", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / part, folder / part, ignore=ignored)
    return folder


@pytest.fixture(scope="module")
def before(tree):
    return identities(tree)


@pytest.fixture
def edit(tree):
    """Edit a file of the library (or, `../`, a script) for one test."""
    with library_edits(tree) as change:
        yield change


@pytest.mark.parametrize(
    ("name", "old", "new", "concerned"),
    [
        ("engine/losses.py", "F.l1_loss", "F.smooth_l1_loss", ERRORS),
        ("engine/losses.py", "0.044715", "0.044", ERRORS | {"train"}),
        ("denoisers/forward_process.py", "alpha_bar**0.5, (1", "alpha_bar**0.4, (1",
         ERRORS | {"conditions", "train"}),
        ("engine/engine.py", ".T.cpu()", ".cpu()", ERRORS),
        ("denoisers/fast/shared_dit.py", "** 0.5", "** 0.6",
         {"conditions", "errors", "raced errors"}),
        ("denoisers/stable_diffusion.py", "(output, x_t", "(-output, x_t", {"SD errors"}),
        ("selection/racing.py", "values.mean", "values.max", {"raced errors"}),
        ("selection/pruning.py", 'sums.pop("weight")', '1 + sums.pop("weight")',
         {"prune", "predictions"}),
        ("scores/intervals.py", "scale = 1 / (sizes", "scale = 2 / (sizes", {"scores", "accuracy"}),
        ("tables/figures/accuracy_plots.py", "CELL, MARGIN = 0.3", "CELL, MARGIN = 0.4",
         {"accuracy"}),
        ("tables/notebook_pages.py", 'NEEDS = "needs:"', 'NEEDS = "wants:"', {"accuracy"}),
        ("data/sources/digits.py", "reshape(-1, 28, 28)", "reshape(-1, 28, 28)[:1]", {"dataset"}),
        ("training/loop.py", "ema: float = 0.999", "ema: float = 0.99",
         {"train", "train_network", "networks"}),
        ("baselines/chance.py", "[seed, image]", "[seed, image + 1]", {"guesses"}),
        ("baselines/baseline.py", "torch.cat(", "torch.stack(",
         {"train_network", "guesses", "networks"}),
        ("../prune.py", "params.keep,", "params.keep + 1,", {"prune"}),
    ],
)  # fmt: skip
def test_an_edit_concerns_what_computes_with_it(tree, before, edit, name, old, new, concerned):
    edit(name, old, new)
    after = identities(tree)
    assert {rule for rule in RULES if after[rule] != before[rule]} == concerned


def test_other_data_families_checks_progress_and_messages_concern_none_of_these(tree, before, edit):
    edit("data/sources/imagenet.py", "def objectnet(", "def objectnet2(")
    edit("denoisers/pixart.py", "120, 300", "77, 77")
    edit("training/contrastive.py", "fit(", "fit(1 + ")
    edit("baselines/pretrained.py", "log_softmax(", "log_softmax(0 + ")
    edit("denoisers/families.py", "channels=16", "channels=8")
    edit("weights/hub.py", "from __future__ import annotations", "x = 1")
    edit("weights/inputs.py", "_IMAGE_PROJECTIONS = (", '_IMAGE_PROJECTIONS = ("another", ')
    edit("progress.py", "WINDOW = 60.0", "WINDOW = 6.0")
    edit("messages.py", "n=1", "n=2")
    edit("network_time.py", "time.perf_counter() - start", "time.perf_counter() - start + 0")
    edit("../job.py", 'f"{FAILED}', 'f"job {FAILED}')
    edit("../prune.py", "params, given = ", "# what is kept\n    params, given = ")
    assert identities(tree) == before


class Reworded(ast.NodeTransformer):
    """Other docstrings, other texts of errors, no annotations of arguments."""

    def visit_Raise(self, node):
        texts = (part for part in ast.walk(node) if isinstance(part, ast.Constant))
        for text in texts:
            if isinstance(text.value, str):
                text.value += " (in other words)"
        return node

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = "In other words."
        return self.generic_visit(node)

    def visit_arg(self, node):
        node.annotation = None
        return node


def test_comments_docstrings_formatting_and_messages_concern_nothing(tree, before, tmp_path):
    """The whole library, rewritten by Python: without comments, with other formatting and texts."""
    shutil.copytree(tree, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.rglob("*.py"):
        path.write_text(ast.unparse(Reworded().visit(ast.parse(path.read_text()))))
    assert "#" not in (tmp_path / "workflow_scripts/errors.py").read_text()
    assert identities(tmp_path) == before


def test_a_journal_of_other_code_is_refused(tree, edit, tmp_path):
    torch = pytest.importorskip("torch")

    def journal():
        params = {"code": Code(tree / "workflow_scripts").identity("errors", family="dit")}
        return Journal(tmp_path / "a.journal.safetensors", fingerprint([], [params]), interval=0)

    journal().add({"l2": torch.ones(3)})
    edit("progress.py", "WINDOW = 60.0", "WINDOW = 6.0")
    assert len(journal().replay(3)["l2"]) == 3
    edit("engine/losses.py", "F.l1_loss", "F.smooth_l1_loss")
    assert journal().replay(3) == {}


def test_every_rule_that_runs_a_script_knows_its_code(root):
    rules = {}
    for path in [*(root / "rules").glob("*.smk"), root / "benchmarks" / "Snakefile"]:
        # one in a loop has its name below, and is named by its script here
        for text in re.split(r"^ *rule\b", path.read_text(), flags=re.MULTILINE)[1:]:
            script = re.search(r"workflow_scripts/(\w+)\.py", text)
            code = re.search(r"\n +code=code\(\s*\"(\w+)\"", text)
            name = text.partition(":")[0].strip() or script[1]
            rules[name] = (script and script[1], code and code[1])
    del rules["all"]
    assert len(rules) > 35
    without = {name for name, (_, code) in rules.items() if code is None}
    # what is fetched does not depend on how it is fetched; files are identified by the rule itself
    assert without == {"download", "given", "stored_weights"}
    assert all(script == code for script, code in rules.values() if code)


def reached(code, *scripts):
    """All places that scripts reach."""
    places = dict.fromkeys(map(Place, scripts))
    queue = [*places]
    for place in queue:
        for _, target in code._form(place, None, False)[1]:
            followed = [target]
            if target == "importlib.import_module":
                followed = code._imported(place.module, None, None)
            new = [p for p in followed if isinstance(p, Place) and p not in places]
            places.update(dict.fromkeys(new))
            queue += new
    return queue


def test_every_package_that_computes_is_named_in_provenance(root):
    code = Code(root / "workflow_scripts")
    scripts = {path.stem for path in (root / "workflow_scripts").glob("*.py")}
    others = {
        "download",
        "execute_notebook",
        "explorer",
        "table",
        "layout",
        "rule_functions",
    }  # they compute no number
    names = {
        target.partition(".")[0]
        for place in reached(code, *scripts - others)
        for _, target in code._form(place, None, False)[1]
        if isinstance(target, str)
    }
    names -= {*sys.stdlib_module_names, "filelock"}
    assert {"torch", "diffusers", "sklearn", "PIL"} <= names
    called = {
        "PIL": "pillow",
        "sklearn": "scikit-learn",
        "open_clip": "open_clip_torch",
        "yaml": "pyyaml",
    }
    assert {called.get(name, name) for name in names} <= set(PACKAGES)


@pytest.mark.parametrize("name", MESSAGES)
def test_what_talks_to_people_computes_nothing(root, name):
    code = Code(root / "workflow_scripts")
    (place,) = code.modules.locate(name)
    assert name in (place.module, f"{place.module}.{place.name}")
    own = [Place(place.module, n) for n in code.modules.module(place.module).definitions]
    texts = [code._form(one, None, False)[1] for one in (own if not place.name else [place])]
    packages = {t.partition(".")[0] for text in texts for _, t in text if isinstance(t, str)}
    assert packages <= set(sys.stdlib_module_names) - {"math", "random", "statistics"} | {"tqdm"}


def test_checks_change_nothing_that_they_are_given(root):
    found = 0
    for path in (root / "workflow_scripts").rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef) or not CHECK.fullmatch(function.name):
                continue
            found += 1
            given = {
                argument.arg for argument in ast.walk(function.args) if hasattr(argument, "arg")
            }
            for node in ast.walk(function):
                assert not isinstance(node, (ast.Global, ast.Nonlocal)), f"{path}: {function.name}"
                if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(
                    node.ctx, (ast.Store, ast.Del)
                ):
                    names = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
                    assert not names & given, f"{path}: {function.name} changes {names & given}"
    assert found > 50


@pytest.mark.parametrize("name", REGISTRIES)
def test_registries_are_where_they_are_looked_for(root, name):
    modules = Modules(root / "workflow_scripts")
    (place,) = modules.locate(name)
    assert f"{place.module}.{place.name}" == name
    (statement,) = modules.module(place.module).definitions[place.name]
    assert isinstance(statement.value, ast.Dict)


def test_unused_functions_are_functions_of_the_script(root):
    with pytest.raises(ValueError, match="does not use nothing_like_it"):
        Code(root / "workflow_scripts").identity("errors", unused=("nothing_like_it",))
