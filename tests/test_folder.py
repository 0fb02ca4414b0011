"""The source `folder`: classes from subfolders or a CSV, refused input, unreadable images."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from image_folders import picture, tree, write_csv

from diffusion_classifier.data.choosing.shares import stratified
from diffusion_classifier.data.image_files.left_out import LeftOut
from diffusion_classifier.data.sources.folder import fingerprint, folder
from diffusion_classifier.data.sources.image_source import decode, labels, table, tables
from diffusion_classifier.messages import InputError


def found(source):
    """File -> class name for every image in `source`."""
    return {
        source.source(index): source.class_names[source.label(index)]
        for index in range(len(source))
    }


# --- classes as subfolders


def test_subfolders_are_classes(tmp_path):
    path = tree(tmp_path, "dog/a.png", "cat/b.png", "Zebra/c.png", "cat/indoors/old/d.png")
    source = folder(path)
    assert source.class_names == ["Zebra", "cat", "dog"]
    assert found(source) == {
        "Zebra/c.png": "Zebra",
        "cat/b.png": "cat",
        "cat/indoors/old/d.png": "cat",
        "dog/a.png": "dog",
    }
    np.testing.assert_array_equal(labels(source), [0, 1, 1, 2])


def test_subfolders_are_the_classes_of_torchvision(tmp_path):
    torchvision = pytest.importorskip("torchvision")
    names = ["b/1.png", "b/10.PNG", "b/x/2.png", "Q/y.jpg", "a c/z.png", "10/q.png", "9/r.png"]
    path = tree(tmp_path, *names, "é/s.webp")
    (tmp_path / "b" / "notes.txt").write_text("no image")
    (tmp_path / "index.html").write_text("no image")
    theirs = torchvision.datasets.ImageFolder(path)
    ours = folder(path)
    assert ours.class_names == theirs.classes
    assert {ours.source(i): ours.label(i) for i in range(len(ours))} == {
        Path(name).relative_to(path).as_posix(): label for name, label in theirs.samples
    }
    by_name = {
        Path(name).relative_to(path).as_posix(): i for i, (name, _) in enumerate(theirs.imgs)
    }
    for i in range(len(ours)):
        np.testing.assert_array_equal(ours.image(i), theirs[by_name[ours.source(i)]][0])


def test_order_within_a_class_is_natural_whatever_the_file_system_says(tmp_path):
    names = ["a/2.png", "a/10.png", "a/010.png", "a/1.png", "a/x10y2.png", "a/x9y30.png"]
    path = tree(tmp_path, *names, "a/b/0.png", "b/0.png")
    order = ["1", "2", "010", "10", "x9y30", "x10y2", "b/0"]
    assert folder(path).files == [f"a/{name}.png" for name in order] + ["b/0.png"]


def test_hidden_and_other_files_are_passed_over(tmp_path):
    path = tree(tmp_path, "a/1.png", "b/2.JPEG", ".cache/3.png", "a/._1.png", "a/.thumbs/1.png")
    picture(tmp_path / "loose.png")
    for name in ("a/notes.txt", "a/Thumbs.db", ".DS_Store", "a/.DS_Store", "b/desktop.ini"):
        (tmp_path / name).write_text("no image")
    (tmp_path / "a" / "folder.png").mkdir()
    picture(tmp_path / "__MACOSX" / "a" / "._1.png")
    source = folder(path)
    assert source.files == ["a/1.png", "b/2.JPEG"] and source.class_names == ["a", "b"]
    assert source.left_out == {
        "loose.png": "in no class folder",
        "a/notes.txt": "not an image",
        "a/.thumbs/1.png": "hidden",
    }


def test_links_are_followed_but_not_in_circles(tmp_path):
    tree(tmp_path, "elsewhere/7.png", "photos/a/1.png", "photos/b/1.png")
    os.symlink(tmp_path / "elsewhere", tmp_path / "photos" / "a" / "more")
    os.symlink(tmp_path / "photos" / "b", tmp_path / "photos" / "b" / "again")
    path = str(tmp_path / "photos")
    assert folder(path).files == ["a/1.png", "a/more/7.png", "b/1.png"]


def test_a_link_to_a_folder_above_brings_no_images_of_other_classes(tmp_path):
    path = tree(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / "up").symlink_to("..")
    assert folder(path).files == ["a/1.png", "b/2.png"]


def test_it_is_a_source_for_the_table_of_a_data_set(tmp_path, monkeypatch):
    colours = {"red": (255, 0, 0), "blue": (0, 0, 255)}
    for colour in colours:
        for number in range(4):
            picture(tmp_path / "photos" / colour / f"{number}.bmp", colour, "BMP")
    monkeypatch.chdir(tmp_path)
    source = folder("photos")
    frame = table(source, stratified(labels(source), 4))
    assert frame["classname"].tolist() == ["blue", "blue", "red", "red"]
    for row in frame.itertuples():
        assert (np.asarray(decode(row.bytes)) == colours[row.classname]).all()
        assert row.source.startswith(f"{row.classname}/")


def test_sources_are_relative_even_if_the_folder_is_not(tmp_path, monkeypatch):
    path = tree(tmp_path / "photos", "a/1.png", "b/2.png")
    monkeypatch.chdir(tmp_path)
    for spelling in (path, "photos", "./photos/", "../" + tmp_path.name + "/photos"):
        assert folder(spelling).files == ["a/1.png", "b/2.png"]


def test_subfolder_mistakes_are_said(tmp_path):
    with pytest.raises(
        InputError, match=r"gone: found no such folder, expected a folder of images"
    ):
        folder(str(tmp_path / "gone"))
    picture(tmp_path / "1.png")
    with pytest.raises(InputError, match=r"no such folder"):
        folder(str(tmp_path / "1.png"))
    with pytest.raises(InputError, match=r"found no subfolder, .* `metadata`"):
        folder(str(tmp_path))
    picture(tmp_path / "a" / "1.png")
    with pytest.raises(InputError, match=r"found 1 class \(a\), expected at least 2"):
        folder(str(tmp_path))
    (tmp_path / "b" / "deeper").mkdir(parents=True)
    with pytest.raises(InputError, match=r"b: found no image, .*\.png.*remove the folder"):
        folder(str(tmp_path))
    (tmp_path / "b" / "1.txt").write_bytes(b"?")
    with pytest.raises(InputError, match=r"1 in all \(b/1\.txt: not an image\), expected"):
        folder(str(tmp_path))


# --- classes from a CSV


def test_metadata_with_class_names(tmp_path):
    path = tree(tmp_path, "x/2.png", "1.png", "x/3.png", "unlisted.png")
    header = ("photographer", "label", "file_name")
    rows = [("?", "house cat", "x/3.png"), ("", "a, b", "1.png"), ("?", " house cat ", "./x/2.png")]
    write_csv(tmp_path, header, *rows)
    source = folder(path, "metadata.csv")
    assert source.class_names == ["a, b", "house cat"]
    assert source.files == ["x/3.png", "1.png", "x/2.png"]
    np.testing.assert_array_equal(labels(source), [1, 0, 1])
    assert source.image(0).size == (4, 3)


def test_metadata_with_class_indices(tmp_path):
    path = tree(tmp_path, *(f"{i}.png" for i in range(12)))
    write_csv(tmp_path, ("file_name", "label"), *((f"{i}.png", 11 - i) for i in range(12)))
    source = folder(path, "metadata.csv")
    assert source.class_names == [str(i) for i in range(12)]
    np.testing.assert_array_equal(labels(source), np.arange(12)[::-1])


def test_metadata_with_named_class_indices_as_a_spreadsheet_saves_it(tmp_path):
    path = tree(tmp_path, "1.png", "2.png", "3.png")
    rows = [("1.png", 1, "ape"), ("2.png", 0, "zebra"), ("3.png", 1, "ape")]
    write_csv(tmp_path, ("file_name", "label", "classname"), *rows, encoding="utf-8-sig")
    source = folder(path, "metadata.csv")
    assert source.class_names == ["zebra", "ape"]
    assert found(source) == {"1.png": "ape", "2.png": "zebra", "3.png": "ape"}


def test_metadata_is_read_as_pandas_reads_it(tmp_path):
    pd = pytest.importorskip("pandas")
    path = tree(tmp_path, "1.png", "it's, 2.png", 'a "3".png')
    rows = [("1.png", "new  line"), ("it's, 2.png", "é"), ('a "3".png', "1e3")]
    write_csv(tmp_path, ("file_name", "label"), *rows)
    frame = pd.read_csv(tmp_path / "metadata.csv", dtype=str)
    expected = dict(zip(frame["file_name"], frame["label"], strict=True))
    assert found(folder(path, "metadata.csv")) == expected


NAMES = ("file_name", "label", "classname")
A, B = ("1.png", "a"), ("2.png", "b")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "the column `file_name` is missing, found none, expected the columns"),
        ([("file", "label"), A, B], "the column `file_name` is missing, found file, label"),
        ([("file_name;label",), ("1.png;a",)], "`file_name` is missing.*separated by commas"),
        ([("file_name", "class"), A, B], "the column `label` is missing"),
        ([NAMES], "found no rows"),
        ([NAMES[:2], ("gone.png", "b")], r"none of its 1 files \(gone\.png: no such file\)"),
        ([NAMES[:2], A, ("../2.png", "b")], "line 3: .*expected a path inside"),
        ([NAMES[:2], A, ("/etc/hostname", "b")], "line 3: .*expected a path inside"),
        ([NAMES[:2], A, ("sub/../../2.png", "b")], "line 3: .*expected a path inside"),
        ([NAMES[:2], A, B, ("./1.png", "b")], "found 1.png twice"),
        ([NAMES[:2], A, ("2.png", " ")], "line 3: `label` is empty"),
        ([NAMES[:2], A, ("2.png",)], "line 3: `label` is empty"),
        ([NAMES[:2], A, ("", "b")], "line 3: `file_name` is empty"),
        ([NAMES[:2], A, ("2.png", "b", "c")], "line 3: found more values than columns"),
        ([NAMES[:2], A, ("2.png", "a")], r"found 1 class \(a\), expected at least 2"),
        ([NAMES[:2], ("1.png", 1), ("2.png", 2)], "found the labels 1, 2, expected class indices"),
        ([NAMES[:2], ("1.png", -1), ("2.png", 0)], "found the labels -1, 0, expected"),
        ([NAMES, (*A, "x"), (*B, "y")], "found the label 'a' beside a column `classname`"),
        ([NAMES, ("1.png", 0, "x"), ("2.png", 0, "y")], "label 0 with the classnames 'x' and 'y'"),
        ([NAMES, ("1.png", 0, "x"), ("2.png", 1, "x")], "found two labels with one classname"),
    ],
)
def test_metadata_mistakes_are_said(tmp_path, rows, says):
    path = tree(tmp_path / "photos", "1.png", "2.png", "sub/3.png")
    picture(tmp_path / "2.png")  # outside the folder
    write_csv(tmp_path / "photos", *rows)
    with pytest.raises(InputError, match=says) as error:
        folder(path, "metadata.csv")
    assert "\n" not in str(error.value)


def test_metadata_that_cannot_be_read_is_said(tmp_path):
    path = tree(tmp_path, "1.png", "2.png")
    (tmp_path / "latin.csv").write_bytes("file_name,label\n1.png,é\n".encode("latin-1"))
    for name in ("gone.csv", "latin.csv", "."):
        with pytest.raises(InputError, match=r"cannot be read as CSV .*`metadata` is a file in"):
            folder(path, name)


# --- fingerprint


def test_fingerprint_lists_what_the_data_set_depends_on(tmp_path):
    path = tree(tmp_path, "b/10.png", "b/2.png", "a/1.png", "loose.png")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    assert fingerprint(path) == ["a/1.png", "b/10.png", "b/2.png"]
    write_csv(tmp_path, ("file_name", "label"), ("loose.png", "y"), ("a/1.png", "x"))
    assert fingerprint(path, "metadata.csv") == ["a/1.png", "loose.png", "metadata.csv"]
    assert all((tmp_path / name).is_file() for name in fingerprint(path, "metadata.csv"))


# --- images that cannot be read


@pytest.fixture
def damaged(tmp_path):
    path = tree(tmp_path / "photos", "a/1.png", "a/2.png", "b/3.png", "b/4.png", "b/5.png")
    (tmp_path / "photos/a/2.png").write_text("no image")
    data = (tmp_path / "photos/b/3.png").read_bytes()
    (tmp_path / "photos/b/3.png").write_bytes(data[: len(data) // 2])
    source = folder(path)
    (tmp_path / "photos/b/5.png").unlink()
    return source


def test_usable_images_are_told_from_the_others(damaged, capsys):
    left_out = LeftOut()
    found = pd.concat(tables(damaged, range(5), left_out))
    assert found["source"].tolist() == ["a/1.png", "b/4.png"]
    assert found["image"].tolist() == [0, 1]
    reports = capsys.readouterr().err.splitlines()
    assert [report.split(":")[0] for report in reports] == [
        "photos/a/2.png",
        "photos/b/3.png",
        "photos/b/5.png",
    ]
    assert left_out.reasons["not an image"] == ["a/2.png"]
    assert left_out.reasons["cannot be read: No such file or directory"] == ["b/5.png"]
    assert left_out.count == 3


def test_only_the_asked_for_are_decoded_in_their_order(damaged):
    assert table(damaged, [3, 0])["source"].tolist() == ["b/4.png", "a/1.png"]


def test_strict_raises_for_the_first_unusable_image(damaged):
    with pytest.raises(InputError, match=r"^photos/a/2\.png: found 8 bytes that are not an image"):
        table(damaged, range(5))
