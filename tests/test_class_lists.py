"""Class lists: the authors' prompts from names and templates, and the condition of a model."""

import csv
import json
import subprocess
import sys
from importlib.resources import files as package_files
from pathlib import Path

import pandas as pd
import pytest
import torch

from diffusion_classifier.data import class_lists
from diffusion_classifier.data.class_lists import (
    class_count,
    class_list,
    class_list_names,
    class_rows,
)
from diffusion_classifier.data.prompt_sets import (
    from_class_list,
    is_unconditional,
    named_prompts,
    read_prompts,
    with_unconditional,
)
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.messages import InputError

ROOT = Path(__file__).resolve().parents[1]
AUTHORS = ROOT / "tests" / "golden" / "prompts"
# the authors' file, our list, their template, the number of classes
SETS = [
    ("food_prompts", "food101", "a photo of {}, a type of food.", 101),
    ("cifar10_prompts", "cifar10", "a blurry photo of a {}.", 10),
    ("cifar100_blurry_prompts", "cifar100", "a blurry photo of a {}.", 100),
    ("aircraft_prompts", "aircraft", "a photo of a {}, a type of aircraft.", 100),
    ("pets_prompts", "pets", "a photo of a {}, a type of pet.", 37),
    ("flowers_prompts", "flowers102", "a photo of a {}, a type of flower.", 102),
    ("stl10_prompts", "stl10", "a photo of a {}.", 10),
    ("mnist_prompts", "mnist", "a photo of the number: '{}'.", 10),
    ("imagenet_prompts", "imagenet", "a photo of a {}.", 1000),
    ("objectnet_prompts", "objectnet", "a photo of a {}.", 113),
]
# some entries of ObjectNet's mappings/objectnet_to_imagenet_1k.json, unchanged
OBJECTNET = {
    "alarm_clock": "analog clock; digital clock",
    "bicycle": "mountain bike, all-terrain bike, off-roader; bicycle-built-for-two, tandem "
    "bicycle, tandem",
    "chair": "barber chair; folding chair; rocking chair, rocker",
    "helmet": "football helmet; crash helmet",
    "pen": "ballpoint, ballpoint pen, ballpen, Biro; quill, quill pen; fountain pen",
    "skirt": "hoopskirt, crinoline; miniskirt, mini; overskirt",
    "still_camera": "Polaroid camera, Polaroid Land camera; reflex camera",
    "tie": "bow tie, bow-tie, bowtie; Windsor tie",
    "wheel": "car wheel; paddlewheel, paddle wheel",
    "sunglasses": "sunglasses, dark glasses, shades",
    "monitor": "monitor",
    "pop_can": "pop bottle, soda bottle",
    "wok": "wok",
}


def timm_lines(name):
    pytest.importorskip("timm")
    return package_files("timm").joinpath("data", "_info", name).read_text().splitlines()


# --- the lists


@pytest.mark.parametrize(("file", "name", "template", "classes"), SETS)
def test_the_authors_prompts_are_made(file, name, template, classes):
    with open(AUTHORS / f"{file}.csv", encoding="utf-8", newline="") as opened:
        theirs = list(csv.DictReader(opened))
    made = from_class_list(name, [template])
    assert made["prompt"].tolist() == [row["prompt"] for row in theirs]
    assert made["classidx"].tolist() == [int(row["classidx"]) for row in theirs]
    assert len(made) == class_count(name) == classes


def test_names_are_those_of_the_data_sets():
    flowers = pytest.importorskip("torchvision").datasets.Flowers102
    assert class_list("flowers102")["classname"].tolist() == flowers.classes
    assert {"F-16A/B", "F/A-18"} < set(class_list("aircraft")["classname"])
    assert class_list("pets")["classname"].tolist()[:2] == ["Abyssinian", "American Bulldog"]
    assert class_list("mnist")["classname"].tolist() == list("0123456789")


@pytest.mark.parametrize("name", ["food101", "cifar100", "cifar10", "stl10", "objectnet"])
def test_names_equal_the_authors(name):
    file = next(file for file, listed, *_ in SETS if listed == name)
    theirs = read_prompts(AUTHORS / f"{file}.csv")
    assert class_list(name)["classname"].tolist() == theirs["classname"].tolist()


def test_imagenet_has_clips_names_and_timms_ids():
    clip = pytest.importorskip("open_clip")
    listed = class_list("imagenet")
    assert listed["text"].tolist() == list(clip.IMAGENET_CLASSNAMES)
    assert listed["wnid"].tolist() == timm_lines("imagenet_synsets.txt")
    assert listed["classidx"].tolist() == list(range(1000))


def test_imagenet_a_is_a_part_of_imagenet():
    listed, whole = class_list("imagenet-a"), class_list("imagenet")
    assert listed["classidx"].tolist() == list(range(200))
    assert listed["wnid"].tolist() == timm_lines("imagenet_a_synsets.txt")
    assert listed["wnid"].tolist() == sorted(listed["wnid"])
    assert listed["condition"].tolist() == list(map(int, timm_lines("imagenet_a_indices.txt")))
    of = whole.set_index("classidx").loc[listed["condition"]]
    for column in ("wnid", "text", "classname"):
        assert of[column].tolist() == listed[column].tolist()


def test_objectnets_classes_have_the_ids_of_its_own_mapping():
    listed, plain = class_list("objectnet-imagenet"), class_list("objectnet")
    assert listed["classidx"].tolist() == sorted(listed["classidx"])
    names = listed.drop_duplicates("classidx")
    assert names["classname"].tolist() == plain["classname"].tolist()
    assert len(listed) == listed["condition"].nunique() == 125
    whole = class_list("imagenet").set_index("classidx")["text"]
    assert whole.loc[listed["condition"]].tolist() == listed["text"].tolist()

    ids = timm_lines("imagenet_synsets.txt")
    lemmas = dict(line.split("\t") for line in timm_lines("imagenet_synset_to_lemma.txt"))
    index = {lemmas[wnid]: number for number, wnid in enumerate(ids)}
    found = listed.groupby("classname")["condition"].agg(list)
    for name, labels in OBJECTNET.items():
        assert found[name] == [index[label] for label in labels.split("; ")]
    several = found[found.map(len) > 1].index
    assert set(several) == {name for name, labels in OBJECTNET.items() if ";" in labels}


@pytest.mark.parametrize("name", class_list_names())
def test_every_list_counts_from_0_without_a_gap(name):
    rows = class_rows(name)
    indices = [int(row["classidx"]) for row in rows]
    assert indices == sorted(indices)
    assert set(indices) == set(range(class_count(name)))
    assert all(row["text"].strip() == row["text"] != "" and row["classname"] for row in rows)


def test_an_unknown_list_is_answered_with_the_nearest():
    for function in (class_rows, class_count, class_list):
        with pytest.raises(InputError, match=r"class list: .*`food11`.*did you mean `food101`\?"):
            function("food11")


def test_a_list_may_lie_elsewhere(tmp_path):
    (tmp_path / "boats.csv").write_text("classidx,classname,text\n0,sail_boat,sail boat\n")
    (tmp_path / "README.md").write_text("not a list")
    assert class_list_names(tmp_path) == ["boats"]
    made = from_class_list("boats", ["a {}", "{}!"], tmp_path)
    assert made.to_dict("list") == {
        "prompt": ["a sail boat", "sail boat!"],
        "classname": ["sail_boat", "sail_boat"],
        "classidx": [0, 0],
    }


def test_names_and_counts_do_not_wait_for_pandas():
    code = (
        "import sys\n"
        "from diffusion_classifier.data.class_lists import class_count, class_list_names\n"
        "assert [class_count(n) for n in class_list_names()] and 'pandas' not in sys.modules"
    )
    scripts = Path(class_lists.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=scripts, check=True)


# --- the condition


@pytest.fixture
def written(tmp_path):
    def write(frame_or_rows):
        path = tmp_path / "prompts.csv"
        if isinstance(frame_or_rows, str):
            path.write_text("prompt,classname,classidx,condition\n" + frame_or_rows)
        else:
            frame_or_rows.to_csv(path, index=False)
        return path

    return write


@pytest.fixture
def model(tmp_path):
    (tmp_path / "transformer").mkdir()
    config = {"num_embeds_ada_norm": 1000}
    (tmp_path / "transformer" / "config.json").write_text(json.dumps(config))
    return str(tmp_path)


def told(model, prompts):
    cpu = torch.device("cpu")
    return family("dit").encode_prompts(model, prompts, cpu, torch.float32)["class_labels"]


@pytest.mark.parametrize("name", class_list_names())
def test_prompts_of_every_list_are_read_as_they_were_written(written, name):
    made = from_class_list(name, ["a photo of a {}.", "a {}, drawn"])
    pd.testing.assert_frame_equal(read_prompts(written(made)), made, check_dtype=False)
    assert len(made) == 2 * len(class_rows(name))


def test_a_class_conditional_model_is_told_the_condition(written, model):
    prompts = read_prompts(written("a,x,0,6\na,x,0,11\nb,y,1,3\n"))
    assert prompts["condition"].dtype == "int64"
    found = told(model, prompts)
    assert found.tolist() == [6, 11, 3]
    assert found.dtype == torch.int64
    assert told(model, prompts.drop(columns="condition")).tolist() == [0, 0, 1]
    imagenet_a = from_class_list("imagenet-a", ["{}"])
    assert told(model, imagenet_a).tolist() == imagenet_a["condition"].tolist()


def test_a_condition_the_model_does_not_know_is_refused(written, model):
    prompts = read_prompts(written("a,x,0,6\na,x,0,1000\n"))
    with pytest.raises(InputError, match=r"condition runs from 6 to 1000, .* classes 0 to 999"):
        told(model, prompts)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,x,0,6\na,x,0,6\n", ["line 3", "'a'", "class 0", "different"]),
        ("a,x,0,six\n", ["line 2", "condition 'six'", "whole number", "correct `condition`"]),
        ("a,x,0,6\na,x,0,\n", ["line 3", "condition ''"]),
        ("a,x,0,-1\n", ["line 2", "condition '-1'"]),
        ("a,x,0\n", ["line 2", "3 values", "expected 4"]),
    ],
)
def test_bad_conditions_are_refused_by_line(written, rows, message):
    with pytest.raises(InputError) as error:
        read_prompts(written(rows))
    for words in message:
        assert words in str(error.value)


def test_the_unconditional_prompt_has_no_condition(written, model):
    named = from_class_list("imagenet-a", ["a {}"])
    both = with_unconditional(named)
    found = read_prompts(written(both))
    assert found["condition"].dtype == both["condition"].dtype == "int64"
    assert is_unconditional(found).tolist() == 200 * [False] + [True]
    assert found.iloc[-1][["classidx", "condition"]].tolist() == [200, -1]
    pd.testing.assert_frame_equal(named_prompts(found), named, check_dtype=False)
    assert read_prompts(written("a,x,0,6\n,,1,\n"))["condition"].tolist() == [6, -1]
    # -1 is no class; without the column it would count as class 200
    with pytest.raises(InputError, match="condition runs from -1"):
        told(model, found)


def test_the_script_writes_prompts_of_a_list(tmp_path):
    spec = {"classes": "objectnet-imagenet", "templates": ["a {}."], "unconditional": True}
    code = (
        "import runpy, types\n"
        f"made = types.SimpleNamespace(params=types.SimpleNamespace(spec={spec}), rule='prompts',\n"
        f"    input=[], output=[{str(tmp_path / 'p.csv')!r}], threads=1,\n"
        f"    log=[{str(tmp_path / 'log')!r}])\n"
        "runpy.run_path('prompts.py', init_globals={'snakemake': made})"
    )
    run = [sys.executable, "-c", code]
    subprocess.run(run, cwd=ROOT / "workflow_scripts", check=True)
    expected = with_unconditional(from_class_list("objectnet-imagenet", ["a {}."]))
    found = read_prompts(tmp_path / "p.csv")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
