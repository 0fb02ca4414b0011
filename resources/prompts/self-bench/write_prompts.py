"""Write the prompts of this folder: six kinds, named as in GenEval (Ghosh et al. 2023).

The objects are COCO's 80, the colours its ten, the positions its four. Which objects stand together
is drawn from SEED. Each file has prompts that differ in nothing but what the kind asks: the number
of the same things, the colour or place of the same thing, colours exchanged.

    python resources/prompts/self-bench/write_prompts.py
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np

SEED = 0
OBJECTS = [
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat",
    "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack",
    "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball",
    "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket",
    "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair",
    "couch", "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote",
    "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book",
    "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush"
]  # fmt: skip
COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"]
POSITIONS = ("left of", "right of", "above", "below")
NUMBERS = ("two", "three", "four")
# how a prompt calls an object whose name alone could mean something else
_WORDS = {"mouse": "computer mouse", "remote": "tv remote", "keyboard": "computer keyboard"}
_PAIRS = ("skis", "scissors")  # a pair of them is one thing
_IRREGULAR = ("person", "sheep", "knife", "mouse", "broccoli", *_PAIRS)  # not counted
_COLOURLESS = ("person", "orange", "broccoli", "traffic light", "stop sign", "zebra", *_PAIRS)


def a(words: str) -> str:
    """`words` with an article; `a pair of` what has only a plural."""
    if words in _PAIRS:
        return f"a pair of {words}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def plural(words: str) -> str:
    return words + ("es" if words.endswith(("s", "x", "ch", "sh")) else "s")


def single_object() -> Iterator[str]:
    return (a(word(name)) for name in OBJECTS)


def two_objects() -> Iterator[str]:
    return (f"{a(x)} and {a(y)}" for x, y in pairs(100, ()))


def counting() -> Iterator[str]:
    for name in chosen(25, _IRREGULAR):
        yield from (f"{number} {plural(name)}" for number in NUMBERS)


def colors() -> Iterator[str]:
    for name in chosen(10, _COLOURLESS):
        yield from (a(f"{colour} {name}") for colour in COLOURS)


def position() -> Iterator[str]:
    for x, y in pairs(25, ()):
        yield from (f"{a(x)} {place} {a(y)}" for place in POSITIONS)


def color_attribution() -> Iterator[str]:
    """Both ways to give two things two colours."""
    of_colours = _rng("colours").permutation([*permutations(COLOURS, 2)])
    for (x, y), (one, other) in zip(pairs(50, _COLOURLESS), of_colours[:50], strict=True):
        for first, second in ((one, other), (other, one)):
            yield f"{a(f'{first} {x}')} and {a(f'{second} {y}')}"


KINDS = (single_object, two_objects, counting, colors, position, color_attribution)


def word(name: str) -> str:
    return _WORDS.get(name, name)


def chosen(count: int, without: tuple[str, ...]) -> list[str]:
    """Random objects, without those that do not fit."""
    fitting = [word(name) for name in OBJECTS if name not in without]
    return [str(name) for name in _rng(f"{count}").permutation(fitting)[:count]]


def pairs(count: int, without: tuple[str, ...]) -> list[tuple[str, str]]:
    """Random pairs of different objects, no pair twice in either order."""
    rng, fitting = _rng(f"pairs {count}"), [word(n) for n in OBJECTS if n not in without]
    found: dict[frozenset[str], tuple[str, str]] = {}
    while len(found) < count:
        x, y = (str(name) for name in rng.choice(fitting, 2, replace=False))
        found.setdefault(frozenset((x, y)), (x, y))
    return list(found.values())


def _rng(what: str) -> np.random.Generator:
    return np.random.default_rng([SEED, *what.encode()])


def rows(kind) -> list[tuple[str, str, int]]:
    """Prompt, name and index of each class of a kind: every prompt is a class."""
    return [(f"a photo of {text}", text, index) for index, text in enumerate(kind())]


def main(folder: Path) -> None:
    for kind in KINDS:
        path = folder / f"{kind.__name__.replace('_', '-')}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("prompt", "classname", "classidx"))
            writer.writerows(rows(kind))


if __name__ == "__main__":
    main(Path(__file__).parent)
