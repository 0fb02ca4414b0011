"""Names with special characters, which must not be treated as markup."""

import unicodedata

from PIL import Image

NAMES = [
    'it\'s {c}, "b"',
    "{wildcards.x} {{}} {",
    "100% #1 & _a_ $x^2$ ~ \\n \\",
    "<b>c</b> &amp; <script>",
    "*?[a-z] **bold** `code` [x](y) [^1]",
    "[1] first",
    "* star",
    "-dash -- --- | bar",
    "# 1. heading",
    "1. list",
    "> quoted",
    "  two  spaces ",
    "_hidden",
    "~home",
    "NA",
    "null",
    "007",
    "1e3",
    "True",
    "Füchse",
    "日本 🦊",
    "שלום [L2]",
    "very long " * 20,
]
NFC, NFD = (unicodedata.normalize(form, "é Füchse") for form in ("NFC", "NFD"))


def picture(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), value).save(path, "PNG")
