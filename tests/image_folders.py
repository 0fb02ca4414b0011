"""Folders of small images."""

import csv
import io

from PIL import Image


def picture(path, colour="red", kind="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3), colour).save(path, kind)


def tree(root, *names):
    for name in names:
        picture(root / name)
    return str(root)


def write_csv(root, *rows, name="metadata.csv", encoding="utf-8"):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    (root / name).write_text(text.getvalue(), encoding=encoding)
