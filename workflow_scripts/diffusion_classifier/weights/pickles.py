"""The part of Python's pickle language that a state dict of tensors needs, and no more.

Instructions are read by the standard library's disassembler and carried out on a list. No name in
the program is ever looked up: the few that PyTorch writes are recognised, any other is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor


class RefusedError(Exception):
    """What a checkpoint contains that a state dict does not; the message names it."""


class Storages(Protocol):
    """Where the numbers are; both methods raise RefusedError if they are not what was asked for."""

    def storage(self, key: str, kind: str, count: int) -> Tensor: ...

    def tensor(self, storage: Tensor, offset: int, shape: tuple, stride: tuple) -> Tensor: ...


@dataclass(frozen=True)
class _Global:
    """A name the program mentions; it stays a name."""

    name: str


_MARK = object()
_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def run(program: bytes, storages: Storages) -> Any:
    """What the pickle `program` builds: dicts, lists, tuples, plain values and tensors.

    Raises RefusedError for any other instruction or name, and for a program that is cut short.
    """
    machine = _Machine(storages)
    try:
        for opcode, argument, _ in pickletools.genops(program):
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.step(opcode.name, argument)
    except RefusedError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        # a stack that is too short, a memo never written: no program that torch.save writes
        raise RefusedError(f"a damaged pickle ({type(error).__name__})") from None
    raise RefusedError("a pickle without an end")


class _Machine:
    """The pickle language's stack and memo."""

    def __init__(self, storages: Storages) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages = storages

    def step(self, name: str, argument: Any) -> None:
        """Carry out one instruction."""
        push = self.stack.append
        if name in ("PROTO", "FRAME"):
            return
        if name in _VALUES:
            push(_VALUES[name])
        elif name in _LITERALS:
            push(argument)
        elif name in _EMPTY:
            push(_EMPTY[name]())
        elif name in _TUPLES:
            push(tuple(self._pop(_TUPLES[name])))
        elif name == "MARK":
            push(_MARK)
        elif name == "GLOBAL":
            push(_Global(argument.replace(" ", ".")))
        elif name in ("BINGET", "LONG_BINGET"):
            push(self.memo[argument])
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name in _STEPS:
            _STEPS[name](self)
        else:
            raise RefusedError(f"the instruction {name}{_last_name(self.stack)}")

    def _pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def _pop_to_mark(self) -> list[Any]:
        start = len(self.stack) - 1
        while self.stack[start] is not _MARK:
            start -= 1
            if start < 0:
                raise IndexError
        values = self.stack[start + 1 :]
        del self.stack[start:]
        return values

    def memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def tuple(self) -> None:
        self.stack.append(tuple(self._pop_to_mark()))

    def stack_global(self) -> None:
        module, name = self._pop(2)
        self.stack.append(_Global(f"{module}.{name}"))

    def append(self) -> None:
        (value,) = self._pop(1)
        _of(list, self.stack[-1]).append(value)

    def appends(self) -> None:
        values = self._pop_to_mark()
        _of(list, self.stack[-1]).extend(values)

    def set_item(self) -> None:
        key, value = self._pop(2)
        self._set(key, value)

    def set_items(self) -> None:
        values = self._pop_to_mark()
        for key, value in zip(values[::2], values[1::2], strict=True):
            self._set(key, value)

    def _set(self, key: Any, value: Any) -> None:
        if not isinstance(key, str | int):
            raise RefusedError(f"a dict's key of type {type(key).__name__}")
        _of(dict, self.stack[-1])[key] = value

    def persistent(self) -> None:
        """A storage: `("storage", type, key, device, count)`; the device is of no interest."""
        (pid,) = self._pop(1)
        if not (isinstance(pid, tuple) and len(pid) == 5 and pid[0] == "storage"):
            raise RefusedError("a persistent object that is no storage")
        kind, key, count = _of(_Global, pid[1]).name, _of(str, pid[2]), _of(int, pid[4])
        if not kind.startswith("torch."):
            raise RefusedError(f"the global {kind}")
        self.stack.append(_Storage(self.storages.storage(key, kind.removeprefix("torch."), count)))

    def reduce(self) -> None:
        """A call: carried out only for the functions of `_CALLS`, which are our own."""
        function, arguments = self._pop(2)
        name = _of(_Global, function).name
        if name not in _CALLS:
            raise RefusedError(f"the global {name}")
        self.stack.append(_CALLS[name](self.storages, *_of(tuple, arguments)))

    def build(self) -> None:
        """State given to an object: the versions that `state_dict()` hangs on its dict, unused."""
        self._pop(1)
        _of(dict, self.stack[-1])


@dataclass(frozen=True)
class _Storage:
    """A whole storage; no tensor of the state dict before it is given a shape."""

    numbers: Tensor


_STEPS: dict[str, Callable[[_Machine], None]] = {
    "MEMOIZE": _Machine.memoize,
    "TUPLE": _Machine.tuple,
    "STACK_GLOBAL": _Machine.stack_global,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "BINPERSID": _Machine.persistent,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}


def _rebuild_tensor(
    storages: Storages, storage: Any, offset: Any, shape: Any, stride: Any,
    requires_grad: Any, hooks: Any, metadata: Any = None,
) -> Tensor:  # fmt: skip
    """What `torch._utils._rebuild_tensor_v2` returns, hooks and gradients left out."""
    if hooks or metadata:
        raise RefusedError("a tensor with hooks, or conjugated or negated")
    numbers = _of(_Storage, storage).numbers
    return storages.tensor(numbers, offset, _of(tuple, shape), _of(tuple, stride))


def _rebuild_parameter(storages: Storages, data: Any, requires_grad: Any, hooks: Any) -> Tensor:
    return _of(Tensor, data)


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": lambda storages: {},
    "torch.Size": lambda storages, sizes=(): _of(tuple, sizes),
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
}


def _of(kind: type, value: Any) -> Any:
    """`value`, if it is of the type that torch.save writes there."""
    if isinstance(value, kind):
        return value
    if isinstance(value, _Global):
        raise RefusedError(f"the global {value.name}")
    raise RefusedError(
        f"a {type(value).__name__} where torch.save writes a {kind.__name__.strip('_')}"
    )


def _last_name(stack: list[Any]) -> str:
    names = [value.name for value in stack if isinstance(value, _Global)]
    return f" after the global {names[-1]}" if names else ""
