"""A normal form of Python source: a text that is equal for sources that compute the same numbers.

It omits comments, formatting, docstrings, annotations and the text of raised errors. It is the same
under every version of Python that can parse the source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence

PRINTS = ("print", "warnings.warn")
"""Calls whose strings are only messages."""
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_IGNORED = {"annotation", "returns", "type_comment", "type_params", "type_ignores", "ctx", "kind"}


def dotted(node: ast.AST | None) -> str:
    """`a.b.c` for an expression that is a name or an attribute of one; `""` for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def is_type_checking(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING")


def walk(statements: Iterable[ast.AST], outside: tuple[type, ...] = ()) -> Iterator[ast.AST]:
    """All statements that run, also nested ones, but not inside statements of types `outside`."""
    todo = [*statements]
    while todo:
        node = todo.pop()
        if is_type_checking(node):
            todo += node.orelse
            continue
        yield node
        if not isinstance(node, outside):
            for part in _BLOCKS:
                todo += getattr(node, part, ())


class NormalForm:
    """The `text` of statements and the dotted `names` in them, in order of appearance.

    `is_message` says whether a dotted name is a function or class that prints messages: strings in
    calls of it, and of methods of variables that hold it, do not count. `is_check` says whether it
    is a function that raises an error or does nothing: statements that call it do not count.
    With `printed`, printed text is a result, as in a notebook.
    """

    def __init__(
        self,
        statements: Sequence[ast.stmt],
        is_message: Callable[[str], bool],
        is_check: Callable[[str], bool],
        printed: bool,
    ) -> None:
        self.names: dict[str, None] = {}
        self._prints = () if printed else PRINTS
        self._is_message, self._is_check = is_message, is_check
        self._holders = set(self._message_holders(statements))
        self._message_calls = 0  # number of enclosing calls that print messages
        self._caught = 0  # number of enclosing blocks that may catch an error
        self._pieces: list[str] = []
        self._block(statements)
        self.text = "".join(self._pieces)

    def _message_holders(self, statements: Sequence[ast.stmt]) -> Iterator[str]:
        """Variables that hold, or may hold, an object that prints messages."""
        for node in walk(statements):
            for value in _alternatives(node.value) if isinstance(node, ast.Assign) else ():
                name = dotted(value.func) if isinstance(value, ast.Call) else ""
                if name.rpartition(".")[2][:1].isupper() and self._is_message(name):
                    yield from map(dotted, node.targets)

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        """Write statements, except those that compute nothing: docstrings, imports, type hints."""
        if statements and isinstance(statements[-1], ast.Raise) and not self._caught:
            last = len(statements) - 1  # assignments just before a raise are for its text
            while last and _assigns_variables(statements[last - 1]):
                last -= 1
            statements = [*statements[:last], statements[-1]]
        self._pieces.append("[")
        for statement in statements:
            if is_type_checking(statement):
                if statement.orelse:
                    self._block(statement.orelse)
            elif not self._computes_nothing(statement):
                self._write(statement)
                self._pieces.append(";")
        self._pieces.append("]")

    def _computes_nothing(self, statement: ast.stmt) -> bool:
        """Whether it is a docstring, `pass`, a check, or an import, whose use counts elsewhere."""
        if not isinstance(statement, ast.Expr):
            return isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass))
        called = statement.value.func if isinstance(statement.value, ast.Call) else None
        return isinstance(statement.value, ast.Constant) or self._is_check(dotted(called))

    def _write(self, node: object) -> None:
        if isinstance(node, ast.AST):
            _WRITERS.get(type(node), NormalForm._fields)(self, node)
        elif not isinstance(node, list):
            self._pieces.append(ascii(node))
        elif node and isinstance(node[0], ast.stmt):
            self._block(node)
        else:
            for item in node:
                self._write(item)
                self._pieces.append(",")

    def _fields(self, node: ast.AST) -> None:
        self._pieces.append(type(node).__name__ + "(")
        for name in node._fields:
            # empty fields are left out, as versions of Python have different ones
            if name not in _IGNORED and (value := getattr(node, name, None)) not in (None, []):
                self._pieces.append(f"{name}=")
                self._write(value)
                self._pieces.append(" ")
        self._pieces.append(")")

    def _raise(self, node: ast.Raise) -> None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        self._pieces.append(f"Raise({dotted(raised)})")

    def _assert(self, node: ast.Assert) -> None:
        self._fields(ast.Assert(node.test, None))

    def _name(self, node: ast.Name | ast.Attribute) -> None:
        name = dotted(node)
        if name:
            self.names.setdefault(name)
            self._pieces.append(name)
        else:
            self._fields(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        """Write a `with`, which may suppress errors."""
        self._caught += 1
        self._fields(node)
        self._caught -= 1

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        """Write a `try`; an error in its body may be caught, one in a handler is not."""
        self._pieces.append(type(node).__name__)
        self._caught += 1
        self._block(node.body)
        self._caught -= not node.finalbody  # `finally` may use variables assigned before a raise
        for part in (node.handlers, node.orelse, node.finalbody):
            self._pieces.append("/")
            self._write(part)
        self._caught -= bool(node.finalbody)

    def _call(self, node: ast.Call) -> None:
        name = dotted(node.func)
        holder, _, method = name.partition(".")
        holds_message = bool(method) and holder in self._holders
        prints = holds_message or name in self._prints or self._is_message(name)
        self._message_calls += prints
        self._fields(node)
        self._message_calls -= prints

    def _constant(self, node: ast.Constant) -> None:
        is_text = self._message_calls and isinstance(node.value, str)
        # as ASCII, since the characters that `repr` shows depend on Python's version
        self._pieces.append("said" if is_text else f"{type(node.value).__name__}:{node.value!a}")

    def _f_string(self, node: ast.JoinedStr) -> None:
        """Write an f-string; versions of Python split the text between values differently."""
        self._pieces.append("f(")
        text = ""
        for value in [*node.values, None]:
            if isinstance(value, ast.Constant):
                text += value.value
                continue
            if text:
                self._constant(ast.Constant(text))
            text = ""
            if isinstance(value, ast.FormattedValue):
                self._pieces.append("{")
                self._write(value.value)
                self._pieces.append(f"!{value.conversion}:")
                if isinstance(value.format_spec, ast.JoinedStr):
                    self._f_string(value.format_spec)
                self._pieces.append("}")
        self._pieces.append(")")


_WRITERS = {
    ast.Assert: NormalForm._assert,
    ast.AsyncWith: NormalForm._with,
    ast.Attribute: NormalForm._name,
    ast.Call: NormalForm._call,
    ast.Constant: NormalForm._constant,
    ast.JoinedStr: NormalForm._f_string,
    ast.Name: NormalForm._name,
    ast.Raise: NormalForm._raise,
    ast.Try: NormalForm._try,
    ast.TryStar: NormalForm._try,
    ast.With: NormalForm._with,
}


def _alternatives(value: ast.expr) -> list[ast.expr]:
    """The operands of `a or b`, the outcomes of `a if condition else b`, or the one value."""
    if isinstance(value, ast.BoolOp):
        return value.values
    return [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]


def _assigns_variables(statement: ast.stmt) -> bool:
    """Whether a statement only assigns local variables."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return bool(targets) and all(isinstance(target, ast.Name) for target in targets)
