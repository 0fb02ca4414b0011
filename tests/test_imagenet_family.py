"""ImageNet, V2, A and ObjectNet in unpacked folders: labels, order, borders, mistakes."""

import numpy as np
import pytest
from PIL import Image

from diffusion_classifier.data.class_lists import class_rows
from diffusion_classifier.data.sources.image_source import decode, labels, table
from diffusion_classifier.data.sources.imagenet import imagenet, imagenet_a, imagenet_v2, objectnet
from diffusion_classifier.messages import InputError

RED, BLUE = (255, 0, 0), (0, 0, 255)


def tree(root, *names):
    """Write a small image to each path; ObjectNet's .png get a red frame of 2 pixels."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            image = Image.new("RGB", (10, 8), RED)
            image.paste(BLUE, (2, 2, 8, 6))
            image.save(path)
        else:
            Image.new("RGB", (5, 4), BLUE).save(path, "JPEG")
    return str(root)


def found(source):
    """(file, label) of every image, in order."""
    return [(source.source(index), source.label(index)) for index in range(len(source))]


def error_of(function, path):
    with pytest.raises(InputError) as error:
        function(str(path))
    assert "\n" not in str(error.value)
    return str(error.value)


# --- ImageNet

VAL = "ILSVRC2012_val_0000"


def test_imagenet_is_labelled_by_wordnet_id(tmp_path):
    """tench, goldfish and toilet paper are 0, 1 and 999 even without the classes between."""
    names = [
        f"n15075141/{VAL}0003.JPEG",
        f"n01443537/{VAL}0262.JPEG",
        f"n01440764/{VAL}2138.JPEG",
        f"n01440764/{VAL}0293.JPEG",
    ]
    source = imagenet(tree(tmp_path / "val", *names))
    assert found(source) == [
        (f"n01440764/{VAL}0293.JPEG", 0),
        (f"n01440764/{VAL}2138.JPEG", 0),
        (f"n01443537/{VAL}0262.JPEG", 1),
        (f"n15075141/{VAL}0003.JPEG", 999),
    ]
    assert len(source.class_names) == 1000
    assert [source.class_names[label] for label in (0, 1, 999)] == [
        "tench",
        "goldfish",
        "toilet paper",
    ]
    np.testing.assert_array_equal(labels(source), [0, 0, 1, 999])
    # torchvision and others keep `train` beside `val`
    (tmp_path / "train" / "n01440764").mkdir(parents=True)
    assert found(imagenet(str(tmp_path))) == found(source)


def test_files_are_images_and_their_own_bytes(tmp_path):
    source = imagenet(tree(tmp_path, "n01440764/a.JPEG", "n01443537/b.JPEG"))
    assert source.image(1).size == (5, 4)
    assert source.encoded(1) == (tmp_path / "n01443537" / "b.JPEG").read_bytes()
    made = table(source, [1])
    assert made[["label", "classname"]].values.tolist() == [[1, "goldfish"]]


def test_what_is_no_imagenet_class_is_refused(tmp_path):
    path = tree(tmp_path, "n01440764/a.JPEG", "n99999999/b.JPEG", "n01443537/c.JPEG")
    message = error_of(imagenet, path)
    for words in (path, "n99999999", "no class of imagenet", "n01440764 to n15075141", "correct"):
        assert words in message


def test_a_flat_val_folder_is_told_how_to_be_sorted(tmp_path):
    path = tree(tmp_path / "val", *(f"{VAL}{number:04}.JPEG" for number in range(1, 6)))
    for message in (error_of(imagenet, path), error_of(imagenet, tmp_path)):
        for words in ("images (5) in no folder of a class", "WordNet id", "torchvision", "devkit"):
            assert words in message


# --- ImageNet-V2


def test_v2_folders_are_numbers(tmp_path):
    """Sorted as text, "10" would come after "1" and be label 2."""
    names = ["10/c.jpeg", "2/b.jpeg", "999/d.jpeg", "0/a.jpeg", "1/10.jpeg", "1/9.jpeg"]
    source = imagenet_v2(tree(tmp_path, *names))
    assert found(source) == [
        ("0/a.jpeg", 0),
        ("1/9.jpeg", 1),
        ("1/10.jpeg", 1),
        ("2/b.jpeg", 2),
        ("10/c.jpeg", 10),
        ("999/d.jpeg", 999),
    ]
    assert source.class_names == [row["classname"] for row in class_rows("imagenet")]


@pytest.mark.parametrize("folder", ["1000", "-1", "010", "n01440764", "imagenetv2-x-format-val"])
def test_other_folders_are_no_class_of_v2(tmp_path, folder):
    message = error_of(imagenet_v2, tree(tmp_path, "0/a.jpeg", f"{folder}/b.jpeg"))
    assert f"the folder {folder}," in message
    assert "0 to 999" in message


# --- ImageNet-A


def test_imagenet_a_counts_its_own_classes(tmp_path):
    """Its first three and its last class, the second being ImageNet's 11 (goldfinch)."""
    names = ["n12267677/d.jpg", "n01534433/c.jpg", "n01531178/b.jpg", "n01498041/0.01_x_0.9.jpg"]
    path = tree(tmp_path / "imagenet-a", *names)
    (tmp_path / "imagenet-a" / "README.txt").write_text("This is the ImageNet-A data set.")
    source = imagenet_a(path)
    assert [label for _, label in found(source)] == [0, 1, 2, 199]
    assert len(source.class_names) == 200
    assert [source.class_names[label] for label in (0, 1, 199)] == [
        "stingray",
        "goldfinch",
        "acorn",
    ]


def test_imagenet_is_not_imagenet_a(tmp_path):
    message = error_of(imagenet_a, tree(tmp_path, "n01440764/a.jpg", "n01498041/b.jpg"))
    assert "n01440764" in message
    assert "imagenet-a" in message


# --- ObjectNet

OBJECTS = ["air_freshener/0.png", "alarm_clock/b.png", "alarm_clock/a.png", "wok/c.png"]


def test_objectnet_takes_the_classes_that_imagenet_has(tmp_path):
    root = tmp_path / "objectnet-1.0"
    tree(root / "images", *OBJECTS, "t-shirt/d.png", "sewing_kit/e.png")
    (root / "mappings").mkdir()
    source = objectnet(str(root))
    assert found(source) == [
        ("alarm_clock/a.png", 0),
        ("alarm_clock/b.png", 0),
        ("t-shirt/d.png", 91),
        ("wok/c.png", 112),
    ]
    assert len(source.class_names) == 113
    assert source.class_names[91] == "t-shirt"
    assert found(objectnet(str(root / "images"))) == found(source)


def test_objectnets_border_is_cropped(tmp_path):
    source = objectnet(tree(tmp_path, *OBJECTS))
    for image in (source.image(0), decode(table(source, [0])["bytes"].iloc[0])):
        pixels = np.asarray(image)
        assert pixels.shape == (4, 6, 3)
        assert (pixels == BLUE).all()
    assert source.encoded(0) is None


def test_a_folder_without_any_class_of_objectnet_is_refused(tmp_path):
    message = error_of(objectnet, tree(tmp_path, "cat/a.png", "dog/b.png"))
    for words in ("the folder cat", "no class of objectnet", "alarm_clock", "correct the path"):
        assert words in message


# --- all of them


@pytest.mark.parametrize(
    ("function", "archive"),
    [
        (imagenet, "ILSVRC2012_img_val.tar"),
        (imagenet_v2, "imagenetv2-matched-frequency.tar.gz"),
        (imagenet_a, "imagenet-a.tar"),
        (objectnet, "objectnet-1.0.zip"),
    ],
)
def test_data_that_are_not_there_can_be_had(tmp_path, function, archive):
    absent = error_of(function, tmp_path / "absent")
    assert "no such folder" in absent
    (tmp_path / "README.txt").write_text("no class")
    (tmp_path / ".hidden").mkdir()
    empty = error_of(function, tmp_path)
    assert "found no class" in empty
    for message in (absent, empty):
        assert "correct the path" in message
        assert archive in message


def test_only_the_classes_of_a_list_under_its_labels(tmp_path):
    wnids = [row["wnid"] for row in class_rows("imagenet")]
    rows = class_rows("objectnet-imagenet")
    first, second, other = rows[0], rows[1], rows[-1]
    assert first["classidx"] == second["classidx"] == "0"  # two of ImageNet's
    folders = [wnids[int(row["condition"])] for row in (other, second, first)]
    assert wnids[0] not in {wnids[int(row["condition"])] for row in rows}
    path = tree(tmp_path, *(f"train/{wnid}/1.JPEG" for wnid in [*folders, wnids[0]]))
    source = imagenet(f"{path}/train", classes="objectnet-imagenet")
    labels = {file.split("/")[0]: label for file, label in found(source)}
    assert labels == {folders[0]: int(other["classidx"]), folders[1]: 0, folders[2]: 0}
    assert source.class_names[int(other["classidx"])] == other["classname"]
    assert len(source.class_names) == 113
