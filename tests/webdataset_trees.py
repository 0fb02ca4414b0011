"""Trees of archives as clip_benchmark_export_wds writes them, without its code."""

import io
import tarfile
from functools import cache

from diffusion_classifier.data.sources.opening import dataset

TEMPLATES = ["a {c}", "a photo of a {c}."]
SHAPES = ["circle", "square", "triangle", "cross", "ring", "heart"]


def write_archive(path, members):
    """A TAR archive of `members`, name -> bytes, in this order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def write_tree(root, images, labels, names, shards=2, split="test", ending="png"):
    """`images` (bytes) and their `labels` in `shards` archives below `root`, and the texts."""
    share = -(-len(images) // shards)
    for shard in range(shards):
        members = {}
        for index in range(shard * share, min((shard + 1) * share, len(images))):
            members[f"s{index:07d}.{ending}"] = images[index]
            members[f"s{index:07d}.cls"] = str(labels[index]).encode()
        write_archive(root / split / f"{shard}.tar", members)
    (root / split / "nshards.txt").write_text(f"{shards}\n")
    write_texts(root, names)
    return {"source": "webdataset", "root": str(root), "split": split}


@cache
def scenes():
    """A table of 30 images of SHAPES."""
    return dataset({"source": "scenes", "task": "shapes", "limit": 30})


def write_scenes(root):
    """A tree of `scenes`."""
    return write_tree(root, scenes()["bytes"], scenes()["label"], SHAPES)


def write_texts(root, names, templates=TEMPLATES):
    (root / "classnames.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    text = "\n".join(templates) + "\n"
    (root / "zeroshot_classification_templates.txt").write_text(text, encoding="utf-8")
