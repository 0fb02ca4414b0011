"""Read the source of Python modules: the names that each defines, and targets of dotted names."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .normal_form import is_type_checking, walk

Imports = dict[str, list[str]]
"""A name that is bound by imports → the dotted names that it may stand for."""
ON_IMPORT = "<on import>"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Place:
    """Source in a module: a definition, all (`""`), or the code that runs on import (ON_IMPORT)."""

    module: str
    name: str = ""


@dataclass
class Module:
    """A parsed module: the statements that define each of its names, and its imports.

    `others` are statements that do more than define names: conditions, loops, calls.
    """

    body: list[ast.stmt]
    definitions: dict[str, list[ast.stmt]]
    imports: Imports
    others: list[ast.stmt]


class Modules:
    """The modules and packages in a folder, each parsed when it is first needed.

    A notebook is a module too: its name is its path, and its source is that of its code cells.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        # for each object, as another may read the same folder after a change
        self.path = cache(self._path)
        self.module = cache(self._module)

    def targets(self, module: str, local_imports: Imports, name: str) -> list[Place | str]:
        """The possible targets of a dotted name in a module: places, or a string if outside.

        A local variable or a builtin has none. `local_imports` are the imports of the function.
        """
        head, _, rest = name.partition(".")
        parsed = self.module(module)
        imported = local_imports.get(head) or parsed.imports.get(head, [])
        found = [place for target in imported for place in self.locate(f"{target}.{rest}")]
        if head in parsed.definitions and head not in local_imports:
            found.append(Place(module, head))
        if not found:
            stars = parsed.imports.get("*", [])
            found = [place for star in stars for place in self.locate(star.removesuffix("*"))]
        return found

    def locate(self, name: str) -> list[Place | str]:
        """The definition or module that an absolute dotted name may stand for."""
        parts = name.strip(".").split(".")
        lengths = [n for n in range(1, len(parts) + 1) if self.path(".".join(parts[:n]))]
        if not lengths:
            return [".".join(parts)]
        module, rest = ".".join(parts[: lengths[-1]]), parts[lengths[-1] :]
        parsed = self.module(module)
        if rest and rest[0] in parsed.definitions:
            return [Place(module, rest[0])]
        if rest and rest[0] in parsed.imports:
            exported = [".".join([target, *rest[1:]]) for target in parsed.imports[rest[0]]]
            return [place for target in exported for place in self.locate(target)]
        return [Place(module)]  # the module itself, or a name that its source does not show

    def imports(
        self, module: str, statements: Iterable[ast.stmt], outside: tuple[type, ...] = ()
    ) -> Imports:
        """The imports of a module's statements, except inside statements of types `outside`."""
        path = self.path(module)
        is_package = path is not None and path.name == "__init__.py"
        package = module.split(".") if is_package else module.split(".")[:-1]
        found: Imports = {}
        for node in walk(statements, outside):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    target = alias.name if alias.asname else top
                    found.setdefault(alias.asname or top, []).append(target)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else []
                start = [*above, *([node.module] if node.module else [])]
                for alias in node.names:
                    target = ".".join([*start, alias.name])
                    found.setdefault(alias.asname or alias.name, []).append(target)
        return found

    def submodules(self, package: str) -> list[str]:
        """The modules and packages in a package, in alphabetical order."""
        paths = self.folder.joinpath(*package.split(".")).glob("*")
        names = (f"{package}.{path.stem}" for path in paths if path.stem.isidentifier())
        return sorted(name for name in names if self.path(name) and not name.endswith("__init__"))

    def _path(self, name: str) -> Path | None:
        if name.endswith(".ipynb"):
            return Path(name)
        place = self.folder.joinpath(*name.split("."))
        paths = (place / "__init__.py", place.with_suffix(".py"))
        return next((path for path in paths if path.is_file()), None)

    def _module(self, name: str) -> Module:
        path = self.path(name)
        if path is None:
            raise FileNotFoundError(f"{self.folder}: found no module `{name}`")
        text = path.read_text(encoding="utf-8")
        body = _parse(_cells(text) if path.suffix == ".ipynb" else text, path.name)
        definitions: dict[str, list[ast.stmt]] = {}
        others = []
        for statement in body:
            names = list(_defined(statement))
            for defined in names:
                definitions.setdefault(defined, []).append(statement)
            if not _only_defines(statement):
                others.append(statement)
        return Module(body, definitions, self.imports(name, body, _FUNCTIONS), others)


@cache
def _parse(source: str, name: str) -> list[ast.stmt]:
    return ast.parse(source, name).body


def _cells(notebook: str) -> str:
    """The source of a notebook's code cells, without IPython's commands."""
    cells = [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    lines = "\n".join("".join(cell["source"]) for cell in cells).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def _defined(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top of a module defines, without imports."""
    for node in walk([statement], _FUNCTIONS):
        if isinstance(node, _FUNCTIONS):
            yield node.name
        items = [item.optional_vars for item in getattr(node, "items", [])]
        targets = [*getattr(node, "targets", []), getattr(node, "target", None), *items]
        parts = (part for target in targets if target for part in ast.walk(target))
        yield from (part.id for part in parts if isinstance(part, ast.Name))


def _only_defines(statement: ast.stmt) -> bool:
    """Whether a statement at the top of a module only defines or imports names."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return all(isinstance(node, (ast.Name, ast.Tuple)) for node in targets)
    alone = (*_FUNCTIONS, ast.Import, ast.ImportFrom)
    return isinstance(statement, alone) or is_type_checking(statement)
