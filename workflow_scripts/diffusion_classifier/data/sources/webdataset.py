"""Data sets in CLIP_benchmark's form of webdataset: TAR archives with class names beside them.

A folder has `SPLIT/nshards.txt`, the number of archives `SPLIT/0.tar`, `SPLIT/1.tar`, …;
`classnames.txt`, one name per line; and `zeroshot_classification_templates.txt`. An archive has an
image and a label for each sample: `s0000000.webp` and `s0000000.cls`, the text of a class index.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from PIL import Image

from diffusion_classifier.messages import InputError

from ..image_files.image_formats import EXTENSIONS
from ..image_files.images import ImageError, load_image
from ..webdataset.class_texts import CLASS_NAMES, FILES, read_class_names, read_line
from ..webdataset.clip_benchmark_sets import OWNER, BenchmarkSet, benchmark_set
from ..webdataset.tar_files import Member, samples
from .source import PATH, TEXT, Source, Spec

_COUNT = "nshards.txt"
_TYPE = "dataset_type.txt"
_LABEL = "cls"


class TarImages:
    """An ImageSource of the samples in TAR archives; `left_out` maps other members to reasons.

    Images are read from the archives where they lie; nothing is unpacked.
    """

    what = "samples"

    def __init__(self, name: str, split: Path, archives: list[Path], names: list[str]) -> None:
        self.name, self.split, self.class_names = name, split, names
        self.left_out: dict[str, str] = {}
        self.images: list[tuple[Path, Member]] = []
        self.labels: list[int] = []
        for archive in archives:
            self._add(archive)

    def _add(self, archive: Path) -> None:
        """List the samples of an archive; raises InputError as `samples` does."""
        for sample in samples(archive, str(archive)).values():
            images = [member for ending, member in sample.items() if _is_image(ending)]
            text, reason = "", None
            if len(images) != 1:
                reason = f"{len(images)} images in one sample, expected 1"
            elif _LABEL not in sample:
                reason = f"an image without a label, .{_LABEL}"
            else:
                text = sample[_LABEL].read(archive).decode("utf-8", "replace").strip()
                reason = self._misfit(text, sample[_LABEL].name)
            if reason is None:
                self.images.append((archive, images[0]))
                self.labels.append(int(text))
            else:
                listed = images or sample.values()
                self.left_out |= {self._source(archive, member): reason for member in listed}

    def _misfit(self, text: str, member: str) -> str | None:
        """Why the `text` of the label in `member` is no class index; None if it is one."""
        if not re.fullmatch("[0-9]{1,9}", text):
            return f"its label {text[:20]!r} in {member} is not a class index"
        if int(text) >= len(self.class_names):
            classes = f"0 to {len(self.class_names) - 1}, the classes in {CLASS_NAMES}"
            return f"its label {text} in {member} is not one of {classes}"
        return None

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> Image.Image:
        """Mode L or RGB; raises InputError naming archive and member as `load_image` does."""
        return load_image(self.encoded(index), self.source(index))

    def encoded(self, index: int) -> bytes:
        """The member's bytes; raises ImageError if the archive has become shorter."""
        archive, member = self.images[index]
        data = member.read(archive)
        if len(data) < member.size:
            reason = "its archive is truncated"
            message = f"found {len(data)} bytes, expected {member.size}; copy the archive again"
            raise ImageError(self.source(index), reason, message)
        return data

    def label(self, index: int) -> int:
        return self.labels[index]

    def source(self, index: int) -> str:
        """For example `clip-benchmark/wds_mnist@0b27149/test/0.tar/s0000003.webp`."""
        return self._source(*self.images[index])

    def _source(self, archive: Path, member: Member) -> str:
        return f"{self.name}{self.split.name}/{archive.name}/{member.name}"


def _is_image(ending: str) -> bool:
    return f".{ending.rpartition('.')[2]}" in EXTENSIONS


def webdataset(
    root: str | None = None,
    split: str = "test",
    dataset: str | None = None,
    revision: str | None = None,
    clip_benchmark: str | None = None,
) -> TarImages:
    """The images of one split: of the folder `root`, or of the hub.

    On the hub it is `dataset` at `revision`, or the data set that CLIP_benchmark calls
    `clip_benchmark`, for some of which a revision is known. No image is decoded. Raises InputError
    for an impossible combination of arguments; for a data set that is not available; if
    `nshards.txt` disagrees with the archives; for a truncated archive; and if no sample has an
    image and a label.
    """
    spec = {
        "root": root,
        "dataset": dataset,
        "revision": revision,
        "clip_benchmark": clip_benchmark,
    }
    spec = {key: value for key, value in spec.items() if value is not None}
    _check("source webdataset", spec)
    folder, name = _located(spec, [f"{split}/{_COUNT}", f"{split}/*.tar", CLASS_NAMES, _TYPE])
    _check_type(folder)
    names = read_class_names(folder)
    found = TarImages(name, folder / split, _archives(folder, split), names)
    if not found.images:
        first = "".join(f", {member} ({why})" for member, why in [*found.left_out.items()][:1])
        raise InputError(
            f"{folder / split}: found no image with a label{first}, expected at least one; correct "
            f"the archives or {CLASS_NAMES}"
        )
    return found


def text_folder(spec: Spec) -> Path:
    """The folder of the class names and templates of a data set, which are fetched if need be."""
    return _located(spec, list(FILES))[0]


def _located(spec: Spec, patterns: list[str]) -> tuple[Path, str]:
    """The folder with the files that match `patterns`, and what precedes names of its members."""
    if "root" in spec:
        return Path(spec["root"]), ""
    from .hub_data import hub_files, hub_name

    place = _on_hub(spec)
    return hub_files(*place, patterns), f"{hub_name(*place)}/"


def _on_hub(spec: Spec) -> tuple[str, str | None]:
    """Repository and revision of a data set; the revision is None if none is given or known."""
    known = _benchmark(spec)
    dataset = known.dataset if "clip_benchmark" in spec else spec["dataset"]
    return dataset, spec.get("revision", known and known.revision)


def _benchmark(spec: Spec) -> BenchmarkSet | None:
    """CLIP_benchmark's data set that an entry names by `clip_benchmark` or by its repository."""
    name = spec.get("clip_benchmark", spec.get("dataset", ""))
    if "clip_benchmark" not in spec and not name.startswith(f"{OWNER}/"):
        return None
    with suppress(InputError):
        return benchmark_set(name, "clip_benchmark")
    return None


def benchmark_task(spec: Spec) -> str | None:
    """The name by which CLIP_benchmark's results call a data set: `wds/vtab/cifar10`.

    None if it is not one of CLIP_benchmark's.
    """
    found = _benchmark(spec) if spec.get("source") == "webdataset" else None
    return found and f"wds/{found.task}"


def _check_type(folder: Path) -> None:
    if not (folder / _TYPE).is_file():
        return
    kind = read_line(folder / _TYPE).lower()
    if kind != "classification":
        raise InputError(
            f"{folder / _TYPE}: found {kind!r}, expected a data set for classification, in which "
            "every image has one class; choose another"
        )


def _archives(folder: Path, split: str) -> list[Path]:
    """The archives of a split in their order; raises InputError unless nshards.txt counts them."""
    counted = folder / split / _COUNT
    if not counted.is_file():
        raise InputError(
            f"{counted}: found no such file, expected the number of archives of the split; correct "
            "`root`, `split` or the data set, or write the file"
        )
    text = read_line(counted)
    if not re.fullmatch("[1-9][0-9]{0,5}", text):
        raise InputError(f"{counted}: found {text!r}, expected a number from 1 on; correct it")
    expected = [folder / split / f"{number}.tar" for number in range(int(text))]
    there = {path.name for path in (folder / split).glob("*.tar")}
    missing = [path.name for path in expected if path.name not in there]
    more = sorted(there - {path.name for path in expected})
    if missing or more:
        wrong = f"no {missing[0]}" if missing else f"also {more[0]}"
        raise InputError(
            f"{counted}: found the number {text}, but {wrong} beside it, expected 0.tar to "
            f"{int(text) - 1}.tar and no other archive; copy the missing ones, remove others, or "
            "correct the number"
        )
    return expected


def _check(key: str, spec: Spec) -> None:
    """Raise InputError unless exactly one place is named, with a revision where one is needed."""
    named = [name for name in ("root", "dataset", "clip_benchmark") if name in spec]
    if len(named) != 1:
        raise InputError(
            f"{key}: found {' and '.join(f'`{name}`' for name in named) or 'no place'}, expected "
            "exactly one of `root`, `dataset` and `clip_benchmark`; correct it"
        )
    if named == ["root"]:
        if "revision" in spec:
            raise InputError(
                f"{key}.revision: found {spec['revision']!r} beside `root`, expected it only with "
                "`dataset` or `clip_benchmark`; leave it out"
            )
        return
    if named == ["clip_benchmark"]:
        benchmark_set(spec["clip_benchmark"], f"{key}.clip_benchmark")
    dataset, revision = _on_hub(spec)
    if revision is None:
        raise InputError(
            f"{key}: found no `revision` of {dataset}, expected a commit of this data set on the "
            "hub; add the one of its page's `Files and versions`"
        )


def _inputs(spec: Spec) -> list[str]:
    """The files of a local data set; none of one on the hub."""
    if "root" not in spec:
        return []
    folder, split = Path(spec["root"]), spec.get("split", "test")
    texts = (folder / CLASS_NAMES, folder / split / _COUNT)
    return [str(path) for path in (*texts, *_archives(folder, split))]


def _whole(spec: Spec) -> int | None:
    found = _benchmark(spec)
    return found.images if found and spec.get("split", "test") == "test" else None


def _classes(spec: Spec) -> int | None:
    if "root" in spec:
        with suppress(InputError):
            return len(read_class_names(Path(spec["root"])))
        return None
    found = _benchmark(spec)
    return found and found.classes


WEBDATASET = Source(
    webdataset,
    keys={"root": PATH, "split": TEXT, "dataset": TEXT, "revision": TEXT, "clip_benchmark": TEXT},
    whole=_whole,
    classes=_classes,
    check=_check,
    inputs=_inputs,
    files=True,
)
