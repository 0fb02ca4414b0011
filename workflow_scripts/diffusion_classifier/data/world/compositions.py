"""Rendered examples in Winoground's form: two scenes, two captions of the same words.

The schema is that of `facebook/winoground` (Thrush et al., "Winoground: Probing Vision and
Language Models for Visio-Linguistic Compositionality", CVPR 2022), so the workflow treats the
original in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..sources.image_source import encode
from .captions import relate
from .render import draw
from .world import HELD_OUT, RELATIONS, Scene, Thing, random_thing

if TYPE_CHECKING:
    import pandas as pd

TAGS = {"Object": "Noun", "Relation": "Adjective-Color", "Both": "Noun Phrase"}
"""`collapsed_tag` -> `tag`. `Both` exchanges adjective and noun; the original calls an exchange of
noun phrases alone `Object`."""

COLUMNS = [
    *("id", "image_0", "image_1", "caption_0", "caption_1"),
    *("tag", "secondary_tag", "num_main_preds", "collapsed_tag"),
]


def winoground_examples(per_tag: int, seed: int = 0) -> pd.DataFrame:
    """`per_tag` examples of each collapsed tag, in the columns of `facebook/winoground`.

    `id` int64 (alternating Object, Relation, Both); `image_0, image_1` dicts {"bytes": PNG,
    "path": None}, as Hugging Face stores images in Parquet; `caption_0, caption_1`, the same
    words in another order, each true for its image only; `tag, secondary_tag` (""),
    `num_main_preds` int64 (1) and `collapsed_tag`. Every thing has a (colour, shape) pair that
    training shows. An example depends on `seed`, its tag and its number within the tag, so a larger
    `per_tag` only adds examples.
    """
    import pandas as pd

    rows = [
        {"id": index * len(TAGS) + number, **_example(tag, [seed, number, index])}
        for index in range(per_tag)
        for number, tag in enumerate(TAGS)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype({"id": "int64", "num_main_preds": "int64"})


def exchanged(tag: str, rng: np.random.Generator) -> tuple[Scene, Scene]:
    """Two scenes that differ by the exchange that the collapsed tag names.

    Object, Both: two things of different shapes (for Both also of different colours) change places.
    Relation: the things keep their shapes and sizes and exchange their colours; training shows all
    four (colour, shape) pairs.
    """
    relation = RELATIONS[rng.integers(len(RELATIONS))]
    while True:
        first, second = random_thing(rng), random_thing(rng)
        if first.shape == second.shape or (tag != "Object" and first.colour == second.colour):
            continue
        if tag != "Relation":
            return Scene((first, second), relation), Scene((second, first), relation)
        recoloured = (
            Thing(second.colour, first.shape, first.size),
            Thing(first.colour, second.shape, second.size),
        )
        if not any((thing.colour, thing.shape) in HELD_OUT for thing in recoloured):
            return Scene((first, second), relation), Scene(recoloured, relation)


def _example(tag: str, entropy: list[int]) -> dict[str, Any]:

    rng = np.random.default_rng(entropy)
    scenes = exchanged(tag, rng)
    # in Object only the nouns distinguish the things
    named = ("shape",) if tag == "Object" else ("colour", "shape")
    row: dict[str, Any] = {
        "tag": TAGS[tag],
        "secondary_tag": "",
        "num_main_preds": 1,
        "collapsed_tag": tag,
    }
    for number, scene in enumerate(scenes):
        row[f"image_{number}"] = {"bytes": encode(draw(scene, rng)), "path": None}
        row[f"caption_{number}"] = relate(scene, named)
    return row
