"""Recognise the formats of image files, and name other formats, from the first bytes of a file."""

from __future__ import annotations

import warnings
from typing import BinaryIO

from PIL import Image

PILLOW_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
"""Pillow's names of the formats that it decodes here; its other decoders are old and rare."""

FORMATS = (*PILLOW_FORMATS, "HEIC")
"""The image formats that are supported."""

EXTENSIONS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".avif", ".avifs"),
    *(".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    *(".heic", ".heics", ".heif", ".heifs", ".hif"),
)
"""The suffixes of files in these formats, in lower case."""

NOT_AN_IMAGE = "not an image"

HEAD = 4096
"""Number of bytes at the beginning of a file that identify its format."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", *_TIFF)

_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

# raw files of cameras: most are TIFFs whose first image is a small preview of the photograph
_RAW = {
    *(".3fr", ".ari", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".dng"),
    *(".drf", ".eip", ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kdc", ".mdc", ".mef", ".mos"),
    *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".pxn", ".raf", ".raw", ".rw2", ".rwl"),
    *(".rwz", ".sr2", ".srf", ".srw", ".x3f"),
}
_DNG_VERSION, _SUBFILE_TYPE, _REDUCED = 50706, 254, 1  # DNG 1.4; TIFF 6.0, section 8
_CR2 = b"CR"  # after the header of a TIFF

# the first bytes of other formats that people may take for images
_OTHERS = {
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"8BPS": "Photoshop (PSD)",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"\0\0\1\0": "a Windows icon (ICO)",
    b"DDS ": "DirectDraw (DDS)",
    b"qoif": "QOI",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"gimp xcf": "GIMP (XCF)",
    b"PK\x03\x04": "a ZIP archive",
}


def brands(head: bytes) -> set[bytes]:
    """The brands in the `ftyp` box at the beginning of AVIF, HEIC and MP4 files; otherwise none."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[start : start + 4] for start in range(8, end, 4) if start != 12}  # the version


def is_heif(head: bytes) -> bool:
    """Whether a file begins like HEIC or another kind of HEIF that is not AVIF."""
    found = brands(head)
    return _AVIF.isdisjoint(found) and not _HEIF.isdisjoint(found)


def has_signature(head: bytes) -> bool:
    """Whether a file has the unique signature of one of FORMATS."""
    is_webp = head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    return is_webp or head.startswith(_SIGNATURES) or bool(brands(head) & (_AVIF | _HEIF))


def is_raw(image: Image.Image, head: bytes) -> bool:
    """Whether a TIFF is a camera's raw file or marks its first image as a preview."""
    if image.format != "TIFF":
        return False
    is_reduced = bool(image.tag_v2.get(_SUBFILE_TYPE, 0) & _REDUCED)
    return is_reduced or _DNG_VERSION in image.tag_v2 or head[8:10] == _CR2


def begins_as_image(file: BinaryIO, suffix: str) -> bool:
    """Whether the open `file`, whose name ends in `suffix`, begins like one of FORMATS.

    The rest of the file may still be damaged. A camera's raw file begins like a TIFF but does not
    count as one.
    """
    head = file.read(HEAD)
    if suffix.lower() in _RAW and head.startswith(_TIFF):
        return False
    if has_signature(head):
        return True
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Image.open(file, formats=PILLOW_FORMATS)
        except Image.DecompressionBombError:
            return True
        except Exception:  # decoders raise errors of any kind for files that are no images
            return False
    return True


def not_an_image(head: bytes, suffix: str = "") -> str:
    """Describe in a few words a file that does not begin like one of FORMATS.

    `head` has its first HEAD bytes, or all it has, and `suffix` is the end of its name.
    """
    if not head:
        return "an empty file"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "SVG, which is not read"
    named = next((kind for begin, kind in _OTHERS.items() if head.startswith(begin)), None)
    if named is not None:
        return f"{named}, which is not read"
    if suffix.lower() in _RAW or b"crx " in brands(head):
        return "a camera's raw file, which is not read"
    return "a video, which is not read" if brands(head) else NOT_AN_IMAGE
