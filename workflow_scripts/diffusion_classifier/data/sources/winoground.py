"""Winoground (Thrush et al., CVPR 2022): turn its examples into the table of a data set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diffusion_classifier.messages import InputError

from ..choosing.shares import stratified
from ..world.compositions import winoground_examples
from .source import PATH, TEXT, Source, Spec

if TYPE_CHECKING:
    import pandas as pd

TAGS = ("Object", "Relation", "Both")
"""The values of `collapsed_tag`: the kind of words that the two captions exchange."""

_SIZES = {"facebook/winoground": 400}
_USED = ("id", "image_0", "image_1", "caption_0", "caption_1", "collapsed_tag")
_SCHEMA = (
    "the columns of facebook/winoground: id, image_0, image_1 (each with the encoded file in "
    "`bytes`), caption_0, caption_1, collapsed_tag"
)


def read_winoground(path: str | os.PathLike) -> pd.DataFrame:
    """The examples in a Parquet file, or a folder of such files, in Hugging Face's schema.

    Raises InputError naming the file if it cannot be read, and as `check_examples` does.
    """
    import pandas as pd

    try:
        examples = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{os.fspath(path)}: cannot be read as Parquet ({reason}), expected {_SCHEMA}; "
            "export the data set as Parquet and correct the path"
        ) from None
    check_examples(examples, os.fspath(path))
    return examples


def winoground_table(
    examples: pd.DataFrame, limit: int | None = None, seed: int = 0
) -> pd.DataFrame:
    """The data set of `examples` (original schema), two rows per example.

    Columns: `image` int64 (image 2e + k is `image_k` of the e-th example), `label` int64 (equal
    to `image`: every caption is a class), `classname` (the image's right caption), `source`,
    `bytes` (unchanged), `example` int64 (e) and `tag` (the collapsed tag). `limit` is a number of
    examples, drawn from `seed` with the tags' shares. Raises InputError as `check_examples` does
    and for an impossible `limit`.
    """
    import pandas as pd

    check_examples(examples, "Winoground examples")
    if limit is not None and not 1 <= limit <= len(examples):
        raise InputError(
            f"`limit`: found {limit}, expected 1 to {len(examples)}, the number of Winoground "
            "examples; lower `limit` or leave it out to take all"
        )
    tags = np.array([TAGS.index(tag) for tag in examples["collapsed_tag"]], dtype=np.int64)
    rows = [
        {
            "classname": row[f"caption_{k}"],
            "source": f"winoground/{row['id']}/image_{k}",
            "bytes": row[f"image_{k}"]["bytes"],
            "example": example,
            "tag": row["collapsed_tag"],
        }
        for example, (_, row) in enumerate(examples.iloc[stratified(tags, limit, seed)].iterrows())
        for k in (0, 1)
    ]
    frame = pd.DataFrame(rows).astype({"example": "int64"})
    for column in ("label", "image"):
        frame.insert(0, column, np.arange(len(frame), dtype=np.int64))
    return frame


def check_examples(examples: pd.DataFrame, where: str) -> None:
    """Raise InputError, beginning with `where`, for examples that cannot be used.

    These are missing columns, no examples, an unknown `collapsed_tag`, an empty caption, two equal
    captions, and an image whose file is not embedded.
    """
    missing = [column for column in _USED if column not in examples]
    if missing:
        raise InputError(
            f"{where}: the column `{missing[0]}` is missing, expected {_SCHEMA}; add it"
        )
    if examples.empty:
        raise InputError(f"{where}: found no examples, expected at least one; add them")
    for _, row in examples[list(_USED)].iterrows():
        _check_example(row, f"{where}, id {row['id']}")


def _check_example(row: pd.Series, where: str) -> None:
    if row["collapsed_tag"] not in TAGS:
        raise InputError(
            f"{where}: found the collapsed_tag {row['collapsed_tag']!r}, expected one of "
            f"{', '.join(TAGS)}; correct it"
        )
    for k in (0, 1):
        caption, image = row[f"caption_{k}"], row[f"image_{k}"]
        if not isinstance(caption, str) or not caption.strip():
            raise InputError(f"{where}: found an empty caption_{k}, expected a text; fill it in")
        if not isinstance(image, dict) or not isinstance(image.get("bytes"), bytes):
            raise InputError(
                f"{where}: found an image_{k} without its file, expected the encoded image in its "
                "`bytes`; embed the images when you export the data set as Parquet"
            )
    if row["caption_0"] == row["caption_1"]:
        raise InputError(
            f"{where}: found the caption {row['caption_0']!r} twice, expected two that differ in "
            "the order of their words; correct one"
        )


def winoground(
    file: str | None = None, dataset: str | None = None, revision: str | None = None
) -> pd.DataFrame:
    """Winoground's examples from a Parquet file, or from a `dataset` of the hub at `revision`.

    Raises InputError as `read_winoground` and `winoground_from_hub` do, and if neither or both are
    given.
    """
    from .hub_data import winoground_from_hub

    if file is not None and dataset is None and revision is None:
        return read_winoground(file)
    if file is None and dataset is not None and revision is not None:
        return winoground_from_hub(dataset, revision)
    raise InputError(
        f"source 'winoground' in `datasets`: found {file=}, {dataset=} and {revision=}, expected "
        "either `file`, or `dataset` and `revision`; correct it"
    )


def _check(key: str, spec: Spec) -> None:
    keys = {"file", "dataset", "revision"} & set(spec)
    if keys not in ({"file"}, {"dataset", "revision"}):
        found = ", ".join(f"`{name}`" for name in sorted(keys)) or "none of these keys"
        raise InputError(
            f"{key}: found {found}, expected either `file`, or `dataset` and `revision` on the "
            "hub; add or remove what differs"
        )
    if "file" in spec and not Path(spec["file"]).is_file():
        raise InputError(
            f"{key}.file: found {spec['file']!r}, which does not exist; expected a Parquet file in "
            "the schema of facebook/winoground; correct the path"
        )


WINOGROUND = Source(
    winoground,
    keys={"file": PATH, "dataset": TEXT, "revision": TEXT},
    size=lambda spec: _SIZES.get(spec.get("dataset")),
    check=_check,
    inputs=lambda spec: [spec["file"]] if "file" in spec else [],
    examples=True,
)
RENDERED = Source(
    winoground_examples,
    keys={"per_tag": {"type": "integer", "minimum": 1, "maximum": 1_000_000}},
    required=("per_tag",),
    size=lambda spec: len(TAGS) * spec["per_tag"],
    drawn=True,
    examples=True,
)
