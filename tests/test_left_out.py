"""Files that data sets leave out: the reasons, the record, and where it is shown."""

import json
import os

import nbformat
import pytest
from cost_configs import config
from image_folders import picture, tree, write_csv
from PIL import Image

from diffusion_classifier import files
from diffusion_classifier.config.methods import data_sets
from diffusion_classifier.data.image_files import left_out
from diffusion_classifier.data.image_files.left_out import LeftOut
from diffusion_classifier.data.prompt_sets import from_captions
from diffusion_classifier.data.sources.folder import fingerprint, folder
from diffusion_classifier.data.sources.opening import dataset, open_source, pieces
from diffusion_classifier.messages import InputError

KINDS = {".bmp": "BMP", "": "PNG", ".dat": "JPEG", ".txt": "WEBP", ".raw": "GIF", ".jpg": "PNG"}


def record_of(tmp_path, **spec):
    """The record in the file of a data set in a folder, and that file."""
    record, path = LeftOut(), tmp_path / "data.parquet"
    files.write_parquet_pieces(pieces({"source": "folder"} | spec, record), path, record.metadata)
    return left_out.read_left_out(path), path


# --- which files


@pytest.mark.parametrize("ending", KINDS)
def test_an_image_is_read_whatever_its_name(tmp_path, ending):
    path = tree(tmp_path, "a/1.png", "b/1.png")
    picture(tmp_path / "a" / f"photo{ending}", kind=KINDS[ending])
    source = folder(path)
    assert f"a/photo{ending}" in source.files and not source.left_out
    assert source.image(source.files.index(f"a/photo{ending}")).size == (4, 3)


def link(target):
    return lambda path: path.symlink_to(target)


def saved(kind, **options):
    return lambda path: Image.new("RGB", (4, 3)).save(path, kind, **options)


def content(data):
    return lambda path: path.write_bytes(data)


UNUSABLE = {
    "moved.png": (link("nowhere.png"), "a broken link"),
    "circle.png": (link("circle.png"), "a broken link"),
    "empty.png": (content(b""), "an empty file"),
    "empty": (content(b""), "an empty file"),
    "pipe.png": (os.mkfifo, "neither a file nor a folder"),
    "notes.txt": (content(b"P1 is the first"), "not an image"),
    "no-extension": (content(b"text"), "not an image"),
    "drawing.svg": (content(b"<svg></svg>"), "SVG, which is not read"),
    "scan.pdf": (content(b"%PDF-1.7"), "PDF, which is not read"),
    "layers.psd": (content(b"8BPS" + bytes(30)), "Photoshop (PSD), which is not read"),
    "photo.jp2": (saved("JPEG2000"), "JPEG 2000, which is not read"),
    "wrong.png": (saved("JPEG2000"), "JPEG 2000, which is not read"),
    "icon.ico": (saved("ICO"), "a Windows icon (ICO), which is not read"),
    "photo.NEF": (saved("TIFF"), "a camera's raw file, which is not read"),
    "film.mov": (content(b"\0\0\0\x14ftypqt  \0\0\0\0qt  "), "a video, which is not read"),
    ".hidden.png": (saved("PNG"), "hidden"),
    "huge.ppm": (content(b"P6 60000 60000 255\n" + bytes(9)), "too many pixels"),
    "phone.HEIC": (content(b"\0\0\0\x18ftypheic"), "a damaged or incomplete image"),
    "web.avif": (content(b"\0\0\0\x18ftypavif"), "a damaged or incomplete image"),
    "web": (content(b"\0\0\0\x18ftypavif"), "a damaged or incomplete image"),
    "cut": (content(b"\x89PNG\r\n\x1a\n"), "a damaged or incomplete image"),
    "cut.jpg": (content(b"\xff\xd8\xff\xe0"), "a damaged or incomplete image"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_not_used_is_named_with_its_reason(tmp_path, name, capsys):
    make, reason = UNUSABLE[name]
    path = tree(tmp_path / "photos", "a/1.png", "b/1.png", "a/deep/2.png")
    make(tmp_path / "photos" / "a" / "deep" / name)
    record, _ = record_of(tmp_path, path=path)
    ((found, names),) = record.reasons.items()
    assert found.startswith(reason) and names == [f"a/deep/{name}"]
    assert (record.there, record.looked_at, record.count) == (4, 4, 1)
    assert f"a/deep/{name}" in capsys.readouterr().err
    with pytest.raises(InputError, match="found 1 of 4 files that cannot be used") as error:
        dataset({"source": "folder", "path": path, "strict": True})
    assert f"a/deep/{name} ({reason}" in str(error.value) and "\n" not in str(error.value)


def test_what_may_not_be_read_is_named(tmp_path, monkeypatch):
    """Tests may run as root, who can read every file."""
    path = tree(tmp_path, "a/1.png", "a/2.png", "b/1.png")
    monkeypatch.setattr(os, "access", lambda file, mode: not str(file).endswith("2.png"))
    assert folder(path).left_out == {"a/2.png": "cannot be read: Permission denied"}
    assert fingerprint(path) == ["a/1.png", "b/1.png"]
    monkeypatch.undo()
    (tmp_path / "a" / "closed").mkdir()
    listdir = os.listdir

    def denied(directory):
        if str(directory).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return listdir(directory)

    monkeypatch.setattr(os, "listdir", denied)
    reason = "a folder that cannot be opened: Permission denied"
    assert folder(path).left_out == {"a/closed": reason}


def test_nothing_is_said_where_nothing_is_left_out(tmp_path, capsys):
    record, path = record_of(tmp_path, path=tree(tmp_path / "photos", "a/1.png", "b/1.png"))
    assert record is None and capsys.readouterr().err == ""
    assert left_out.read_all({str(path): "Mine"}) == []


def test_a_row_of_metadata_without_its_file_is_left_out(tmp_path):
    path = tree(tmp_path / "photos", "1.png", "2.png", "sub/3.png", "unlisted.png")
    rows = [("1.png", "a"), ("gone.png", "a"), ("2.png", "b"), ("sub", "b")]
    write_csv(tmp_path / "photos", ("file_name", "label"), *rows)
    assert fingerprint(path, "metadata.csv") == ["1.png", "2.png", "metadata.csv"]
    record, _ = record_of(tmp_path, path=path, metadata="metadata.csv")
    assert record.reasons == {"no such file": ["gone.png"], "a folder": ["sub"]}
    assert (record.looked_at, record.count) == (4, 2)
    with pytest.raises(InputError, match=r"found 2 of 4 files .*gone\.png \(no such file\)"):
        fingerprint(path, "metadata.csv", strict=True)


def test_files_that_the_library_datasets_passes_over_are_named(tmp_path):
    path = tree(tmp_path / "photos", "test/cat/1.png", "test/ant/2.png", "train/ant/3.png")
    (tmp_path / "photos" / "test" / "cat" / "phone.heic").write_bytes(b"?")
    (tmp_path / "photos" / "test" / "cat" / ".DS_Store").write_bytes(b"?")
    spec = {"source": "huggingface", "dataset": "imagefolder", "data_dir": path}
    record, _ = record_of(tmp_path, **spec)
    (names,) = record.reasons.values()
    assert names == ["imagefolder/test/test/cat/phone.heic"]
    assert record.sentence("Mine").startswith("Mine: 2 of 3 images were used; left out: ")


@pytest.mark.parametrize("source", ["imagenet-v2", "objectnet"])
def test_trees_of_imagenet_name_what_lies_in_their_classes(tmp_path, source):
    used, other = {"imagenet-v2": ("0", "1"), "objectnet": ("alarm_clock", "combination_lock")}[
        source
    ]
    path = tree(tmp_path / "photos", f"{used}/1.png", f"{other}/1.png")
    (tmp_path / "photos" / used / "2.png").write_bytes(b"")
    for name in ("README.txt", "1.png"):
        (tmp_path / "photos" / name).write_bytes(b"?")
    assert open_source({"source": source, "path": path}).left_out == {
        f"{used}/2.png": "an empty file",
        "1.png": "in no class folder",
    }


# --- the record


@pytest.fixture
def mixed(tmp_path):
    """Two classes of ten images each, with five damaged images in the first; and two texts."""
    path = tree(tmp_path / "photos", *(f"{c}/{i}.png" for c in "ab" for i in range(10)))
    for i in range(5):
        (tmp_path / "photos" / "a" / f"{i}.png").write_bytes(b"?")
    for name in ("a/1.txt", "b/1.txt"):
        (tmp_path / "photos" / name).write_text("?")
    return path


def test_only_what_was_looked_at_is_counted(tmp_path, mixed):
    record, path = record_of(tmp_path, path=mixed, limit=12)
    images = files.read_parquet(path)
    assert (record.there, record.looked_at) == (22, 14)
    assert len(images) == record.looked_at - record.count
    sentence = record.sentence("Mine")
    assert f"{len(images)} of 14 files were used (22 are there" in sentence


def test_copies_of_an_image_are_one_file(tmp_path, mixed):
    record, path = record_of(tmp_path, path=mixed, shift={"kind": "noise"}, copies=3)
    assert (record.looked_at, record.count) == (22, 7)
    assert len(files.read_parquet(path)) == 3 * 15
    assert record.reasons["not an image"][2:] == [f"a/{i}.png" for i in range(5)]


def test_strict_says_how_many_and_the_first(mixed):
    with pytest.raises(InputError) as error:
        dataset({"source": "folder", "path": mixed, "strict": True})
    assert "found 7 of 22 files" in str(error.value)
    assert "a/1.txt (not an image; 7 such files)" in str(error.value)
    with pytest.raises(InputError, match="found 2 of 22 files that cannot be used"):
        fingerprint(mixed, strict=True)  # known before any image is decoded


def test_a_class_stays_a_candidate_without_its_images(tmp_path):
    path = tree(tmp_path / "photos", "a/1.png", "b/1.png", "c/1.png")
    (tmp_path / "photos" / "b" / "1.png").write_bytes(b"?")
    record, data = record_of(tmp_path, path=path)
    assert record.classes == {"1": "b"}
    assert "no image of the class b is left" in record.sentence("Mine")
    prompts = from_captions(left_out.read_classes(data))
    assert prompts["prompt"].tolist() == ["a", "b", "c"]
    assert prompts["classidx"].tolist() == [0, 1, 2]


# --- where it is shown


def test_the_sentence_names_all_of_few_and_one_of_each_kind_of_many():
    few = LeftOut.before(297, {"a.png": "an empty file", "b.png": "a broken link", "c": "hidden"})
    assert few.sentence("Mine") == (
        "Mine: 297 of 300 files were used; left out: a.png (an empty file), b.png (a broken link), "
        "c (hidden)."
    )
    many = LeftOut.before(1, {f"{i}.txt": "not an image" for i in range(99)} | {"c": "hidden"})
    assert many.sentence("Mine").endswith(
        "left out: 0.txt (not an image; 99 such files), c (hidden)."
    )


def test_a_name_is_only_a_name():
    record = LeftOut.before(1, {"<b>$x$\n*.png": "not an image", "\udcff": "hidden"})
    stored = LeftOut(**json.loads(record.metadata()["left_out"]))
    assert stored == record
    assert "\n" not in record.sentence("Mine") and r"<b>$x$\n*.png" in record.sentence("Mine")
    (page,) = left_out.paragraphs([("A & B", record)])
    assert r"<code>&lt;b&gt;$x$\n*.png</code>" in page and "A &amp; B" in page
    page.encode()


@pytest.mark.parametrize("table", ["accuracy", "robustness"])
def test_the_page_says_it_once_or_not_at_all(root, tmp_path, mixed, table):
    cells = nbformat.read(root / "notebooks" / f"{table}.ipynb", as_version=4).cells
    (cell,) = (cell for cell in cells if cell.id == "left-out")
    _, path = record_of(tmp_path, path=mixed)
    for data, expected in (({}, 0), ({str(path): "Mine"}, 1)):
        shown = []
        names = {"left_out": left_out, "data_behind": data, "HTML": str}
        exec(cell.source, names | {"display": lambda *objects, shown=shown: shown.extend(objects)})
        assert len(shown) == expected
    assert shown[0].startswith("<p>Mine: 15 of 22 files were used; left out: <code>")


def test_a_table_stands_on_its_own_data_sets_and_on_what_its_methods_learn_from():
    names = ("mnist", "train", "validation", "pool", "unused")
    changed = config(datasets={name: {"source": "mnist", "prompts": "digits"} for name in names})
    changed["datasets"]["hard"] = {
        "pool": "pool",
        "wrong_by": "net",
        "limit": 1,
        "prompts": "digits",
    }
    sets = {"train": "train", "validation": "validation"}
    changed["baselines"] = {
        "one": {"kind": "resnet", "tasks": {"digits": {"train": "train"}}, "seeds": [0, 1]},
        "probe": {"kind": "probe", "tasks": {"digits": sets, "others": {"train": "unused"}}},
    }
    (table,) = list(changed["tables"])[:1]
    changed["tables"][table] = {"datasets": ["mnist", "hard"], "methods": ["one", "probe"]}
    assert data_sets(changed, table) == ["mnist", "hard", "train", "validation", "pool"]
