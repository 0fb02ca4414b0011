"""The identity of the code behind a result: it changes if the numbers may change.

It is a digest of a rule's script and of the library's functions, classes and constants that the
script uses, directly or not. `normal_form` keeps the parts of their source that affect results.
Code that only prints messages (`MESSAGES`) or refuses an input (`CHECK`) is not followed. The file
of a definition and the versions of Python and other packages do not matter; a table's provenance
names the versions.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from copy import copy
from functools import cache
from itertools import chain

from .normal_form import NormalForm, dotted
from .source_modules import ON_IMPORT, Modules, Place

LIBRARY = "diffusion_classifier"
MESSAGES = (
    "job.job",
    f"{LIBRARY}.messages",
    f"{LIBRARY}.network_time.in_network",
    f"{LIBRARY}.progress",
)
"""Modules, and definitions in modules, that print messages and compute no result."""
CHECK = re.compile(r"_?(check|refuse)(_\w+)?")
"""Names of functions that raise an error or do nothing; they count only if their value is used."""
REGISTRIES = (
    f"{LIBRARY}.baselines.registry.BASELINES",
    f"{LIBRARY}.data.sources.registry.SOURCES",
    f"{LIBRARY}.data.choosing.shifts.SHIFTS",
    f"{LIBRARY}.denoisers.families.FAMILIES",
    f"{LIBRARY}.selection.searches.SEARCHES",
    f"{LIBRARY}.training.registry.TRAINERS",
)
"""Dictionaries; a job uses only the entries that its config names.

An entry MODULE:NAME is the target of `import_module` in the same module.
"""
ENTRY = re.compile(r"\w+:\w+")
DIGITS = 16


class Code:
    """The rule scripts in a folder, and the library `diffusion_classifier` beside them.

    Each source is read once, when it is needed. Make another object after a change.

    >>> len(Code("workflow_scripts").identity("errors", family="dit"))
    16
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.modules = Modules(folder)
        # one cache per object, as another object may read the same folder after a change
        self._digest = cache(self._compute)
        self._form = cache(self._read)
        self._effects = cache(self._run_by_importing)

    def identity(
        self,
        script: str,
        family: str | None = None,
        entries: tuple[str, ...] | None = None,
        unused: tuple[str, ...] = (),
        notebook: str | None = None,
    ) -> str:
        """The identity of the code of the rule script `script`, 16 hexadecimal digits.

        `family` is the model family that the job uses, `entries` are other keys of REGISTRIES
        (None: all count). `unused` are functions that the script does not call in this job. The
        code of the `notebook` at a path counts as well; text that it prints is a result. Raises
        SyntaxError for source that cannot be parsed, FileNotFoundError if there is no such script,
        and ValueError for an unused function that the script does not have.
        """
        return self._digest(script, family, entries, unused, notebook)

    def _compute(
        self,
        script: str,
        family: str | None,
        entries: tuple[str, ...] | None,
        unused: tuple[str, ...],
        notebook: str | None,
    ) -> str:
        digest = hashlib.sha256()
        places = [Place(script), *([Place(notebook)] if notebook else [])]
        numbers = {place: number for number, place in enumerate(places)}
        _, names = self._form(places[0], None, notebook is not None)
        if unknown := set(unused) - {name for name, _ in names}:
            raise ValueError(f"{script}.py: does not use {', '.join(sorted(unknown))}")
        for place in places:  # the loop appends further places
            keys = _used_entries(place, family, entries)
            text, targets = self._form(place, keys, notebook is not None)
            digest.update(f"{text}\n".encode())
            for name, target in targets:
                followed = [target]
                if target == "importlib.import_module":
                    followed = self._imported(place.module, family, entries)
                elif place.module == script and name in unused:
                    followed = []
                for one in followed:
                    if isinstance(one, Place) and one not in numbers:
                        numbers[one] = len(places)
                        places.append(one)
                    digest.update(f"{name}={numbers.get(one, one)}\n".encode())
        return digest.hexdigest()[:DIGITS]

    def _read(
        self, place: Place, entries: tuple[str, ...] | None, printed: bool
    ) -> tuple[str, list[tuple[str, Place | str]]]:
        """The text of a place, and each name in it with its target."""
        module = place.module
        statements = self._statements(place, entries)
        local_imports = self.modules.imports(module, statements)

        @cache
        def targets(name: str) -> list[Place | str]:
            return self.modules.targets(module, local_imports, name)

        def is_message(name: str) -> bool:
            return any(map(_is_message, targets(name)))

        def is_check(name: str) -> bool:
            return any(
                isinstance(target, Place) and CHECK.fullmatch(target.name)
                for target in targets(name)
            )

        form = NormalForm(statements, is_message, is_check, printed)
        found = [(name, target) for name in form.names for target in targets(name)]
        if not statements:
            names = sorted(self.modules.module(module).definitions)
            found = [(name, Place(module, name)) for name in names]
        found = [(n, t) for n, t in found if not _is_message(t) and not _is_part(t, place)]
        reached = {target.module: None for _, target in found if isinstance(target, Place)}
        reached |= {} if statements else {module: None}
        effects = {effect: None for other in reached for effect in self._effects(other)}
        return form.text, found + [("", effect) for effect in effects]

    def _statements(self, place: Place, entries: tuple[str, ...] | None) -> list[ast.stmt]:
        """The source of a place; for a whole module of the library none: its definitions count."""
        module = self.modules.module(place.module)
        if place.name == ON_IMPORT:
            return module.others + self._registered(place.module)
        if not place.name:
            return [] if place.module.startswith(LIBRARY) else module.body
        statements = module.definitions[place.name]
        if entries is None:
            return statements
        return [_with_entries(statement, entries) for statement in statements]

    def _imported(
        self, module: str, family: str | None, entries: tuple[str, ...] | None
    ) -> list[Place]:
        """The targets of `import_module` in a module: its registry's, or any module beside it."""
        package = module.rpartition(".")[0]
        registries = [name for name in REGISTRIES if name.startswith(f"{module}.")]
        found = [
            Place(f"{package}.{text.partition(':')[0]}", text.partition(":")[2])
            for registry in registries
            for text in self._registered_names(registry, entries)
        ]
        if found:
            return found
        names = self.modules.submodules(module) or self.modules.submodules(package)
        chosen = [
            name for name in names if family and name.endswith(f".{family.replace('-', '_')}")
        ]
        return [Place(name) for name in chosen or names]

    def _registered_names(self, registry: str, entries: tuple[str, ...] | None) -> list[str]:
        """The MODULE:NAME in the entries of a registry."""
        module, _, name = registry.rpartition(".")
        (statement,) = self._statements(Place(module, name), entries)
        texts = (n.value for n in ast.walk(statement.value) if isinstance(n, ast.Constant))
        return [text for text in texts if isinstance(text, str) and ENTRY.fullmatch(text)]

    def _run_by_importing(self, module: str) -> list[Place]:
        """The code that runs when a module is imported, with its packages and their imports."""
        seen: set[str] = set()
        todo = [module]
        while todo:
            name = todo.pop()
            if name in seen or self.modules.path(name) is None:
                continue
            seen.add(name)
            todo.append(name.rpartition(".")[0])
            for imported in chain.from_iterable(self.modules.module(name).imports.values()):
                places = self.modules.locate(imported)
                todo += [place.module for place in places if isinstance(place, Place)]
        running = [name for name in sorted(seen) if self._statements(Place(name, ON_IMPORT), None)]
        return [Place(name, ON_IMPORT) for name in running if not _is_message(Place(name))]

    def _registered(self, module: str) -> list[ast.stmt]:
        """Definitions with decorators of the library, which may register them."""
        found = []
        for node in self.modules.module(module).body:
            for decorator in getattr(node, "decorator_list", []):
                name = dotted(getattr(decorator, "func", decorator))
                targets = self.modules.targets(module, {}, name)
                if any(isinstance(one, Place) and not _is_message(one) for one in targets):
                    found.append(node)
        return found


def _used_entries(
    place: Place, family: str | None, entries: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """The entries of a registry that a job uses; None for all, or if the place is no registry."""
    name = f"{place.module}.{place.name}"
    if name not in REGISTRIES:
        return None
    if name.endswith(".FAMILIES"):
        return (family,) if family else None
    return entries


def _is_message(target: Place | str) -> bool:
    """Whether a name leads to code that only prints messages."""
    return isinstance(target, Place) and (
        target.module in MESSAGES or f"{target.module}.{target.name}" in MESSAGES
    )


def _is_part(target: Place | str, place: Place) -> bool:
    """Whether a name in the text of a whole module leads into the same text."""
    whole = not place.name and not place.module.startswith(LIBRARY)
    return whole and isinstance(target, Place) and target.module == place.module


def _with_entries(statement: ast.stmt, entries: tuple[str, ...]) -> ast.stmt:
    """The assignment of a dictionary, reduced to the keys `entries` and unpacked dictionaries."""
    kept = [
        (key, value)
        for key, value in zip(statement.value.keys, statement.value.values, strict=True)
        if key is None or key.value in entries
    ]
    chosen = copy(statement)
    chosen.value = ast.Dict([key for key, _ in kept], [value for _, value in kept])
    return chosen
