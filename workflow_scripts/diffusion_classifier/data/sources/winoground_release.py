"""Winoground's files from its authors: `data/examples.jsonl` and `data/images.zip`."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from diffusion_classifier.messages import InputError

from .winoground import check_examples

if TYPE_CHECKING:
    import pandas as pd

FILES = ("data/examples.jsonl", "data/images.zip")


def read_release(examples: str | os.PathLike, images: str | os.PathLike) -> pd.DataFrame:
    """The released files in the schema of `winoground.read_winoground`.

    A line of `examples` names its images without a suffix (`ex_0_img_0`); the archive `images` has
    them at any depth. Raises InputError for a line or archive that cannot be read, a missing image,
    and as `check_examples` does.
    """
    import pandas as pd

    where = PurePosixPath(os.fspath(examples)).name
    try:
        with open(examples, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file if line.strip()]
        with zipfile.ZipFile(images) as archive:
            members = {PurePosixPath(name).stem: name for name in archive.namelist()}
            for row in rows:
                for key in ("image_0", "image_1"):
                    row[key] = {"bytes": archive.read(members[row[key]])}
    except (ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"Winoground's {where} and images.zip: cannot be read ({error}), expected one JSON "
            "object per line and an archive of images; fetch them again"
        ) from None
    except KeyError as error:
        raise InputError(
            f"Winoground's {where}: found no {error} in a line or in images.zip, expected the "
            "release of facebook/winoground; fetch it again"
        ) from None
    frame = pd.DataFrame(rows)
    check_examples(frame, where)
    return frame
