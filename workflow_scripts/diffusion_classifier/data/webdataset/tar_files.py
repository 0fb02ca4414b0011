"""The members of TAR archives in the form of webdataset, and where their bytes lie."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from diffusion_classifier.messages import InputError

# a member's name: folders and the text before the first dot of the last part, and its ending
_NAME = re.compile(r"((?:.*/)?[^./]+)\.([^/]+)")


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name, and the position and number of its bytes."""

    name: str
    offset: int
    size: int

    def read(self, archive: Path) -> bytes:
        """Its content, shorter than `size` if the archive has changed since it was listed."""
        with archive.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def samples(archive: Path, where: str) -> dict[str, dict[str, Member]]:
    """The samples of an archive: key -> ending in lower case -> member, in the archive's order.

    Members whose names agree up to the first dot of the last part belong to one sample; hidden
    files belong to none. Raises InputError, beginning with `where`, as `members` does, and if a
    sample has two members with the same ending.
    """
    found: dict[str, dict[str, Member]] = {}
    for member in members(archive, where):
        if (match := _NAME.fullmatch(member.name)) is None:
            continue
        sample, ending = found.setdefault(match[1], {}), match[2].lower()
        if ending in sample:
            raise InputError(
                f"{where}: found the member {member.name} twice, expected each once; make the "
                "archive again"
            )
        sample[ending] = member
    return found


def members(archive: Path, where: str) -> Iterator[Member]:
    """The files in an uncompressed TAR archive, in its order; only their headers are read.

    Raises InputError, beginning with `where` and naming the last member that was found, if it is
    no such archive, or is truncated: if its end lacks the blocks of zeros that mark it.
    """
    last = ""
    try:
        with tarfile.open(archive, "r:") as file:
            for member in file:
                last = member.name
                if member.isfile():
                    yield Member(member.name, member.offset_data, member.size)
            end = file.offset
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _damaged(where, last, str(error)) from None
    with archive.open("rb") as file:
        file.seek(end)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise _damaged(where, last, "no mark of its end follows")


def _damaged(where: str, last: str, reason: str) -> InputError:
    after = f" after the member {last}" if last else ""
    return InputError(
        f"{where}: cannot be read as a whole TAR archive{after} ({reason}), expected an "
        "uncompressed one to its end; it may be truncated: copy or download it again"
    )
