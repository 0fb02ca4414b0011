"""Names may have any characters: in folders, tables of labels and the config."""

import numpy as np
import pandas as pd
import pytest
import yaml
from awkward_names import NAMES, NFC, NFD, picture

from diffusion_classifier import files
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.data.prompt_sets import (
    check_labels,
    from_captions,
    from_templates,
    read_prompts,
)
from diffusion_classifier.data.sources.folder import folder
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.messages import InputError
from diffusion_classifier.names import checked_name, printable
from diffusion_classifier.tables.texts import published

BROKEN = ["a\nb", "a\r\nb", "a\tb", "a\x00b", "a\x85b", "a\u2028b", "a\udcffb"]


# --- names as they enter


def test_any_name_of_a_folder_or_file_is_a_class_and_a_source(tmp_path):
    names = [name for name in NAMES if "/" not in name]
    for name in names:
        picture(tmp_path / name / f"{name}.png")
    table = dataset({"source": "folder", "path": str(tmp_path)})
    assert table["classname"].tolist() == sorted(names)
    assert table["source"].tolist() == [f"{name}/{name}.png" for name in sorted(names)]
    files.write_parquet(table, tmp_path / "data.parquet")
    data = files.read_parquet(tmp_path / "data.parquet")
    files.write_csv(from_captions(data, ["{}", "a {} {"]), tmp_path / "prompts.csv")
    prompts = read_prompts(tmp_path / "prompts.csv")
    assert prompts["classname"].drop_duplicates().tolist() == sorted(names)
    assert prompts["prompt"].tolist()[1::2] == [f"a {name} {{" for name in sorted(names)]


def test_two_spellings_of_a_name_are_one_class(tmp_path):
    assert NFC != NFD
    for name in (NFC, NFD, "zebra"):
        picture(tmp_path / "photos" / name / f"{name}.png")
    source = folder(str(tmp_path / "photos"))
    assert source.class_names == ["zebra", NFC] and source.labels == [0, 1, 1]
    # also in a table of labels, whose file names may have the other form than the disk's
    flat = tmp_path / "flat"
    for name in (NFD, "2", "3"):
        picture(flat / name / f"{NFD}.png")
    rows = [(f"{NFC}/{NFC}.png", NFC), (f"2/{NFC}.png", NFD), (f"3/{NFD}.png", "zebra")]
    pd.DataFrame(rows, columns=["file_name", "label"]).to_csv(flat / "labels.csv", index=False)
    source = folder(str(flat), "labels.csv")
    assert source.class_names == ["zebra", NFC] and source.labels == [1, 1, 0]
    assert source.files[0] == f"{NFD}/{NFD}.png" and all((flat / f).is_file() for f in source.files)


def test_two_spellings_of_a_prompt_are_one(tmp_path):
    path = tmp_path / "prompts.csv"
    path.write_text(f"prompt,classname,classidx\na {NFD},{NFD},0\nb,b,1\n", encoding="utf-8")
    assert read_prompts(path)["classname"].tolist() == [NFC, "b"]
    path.write_text(f"prompt,classname,classidx\na {NFD},x,0\na {NFC},x,0\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 3: found 'a é Füchse', which an earlier line of"):
        read_prompts(path)


def test_a_file_with_spaces_around_its_name_is_found(tmp_path):
    for name in (" 1.png", "2.png"):
        picture(tmp_path / name)
    (tmp_path / "labels.csv").write_text("file_name, label\n 1.png, a\n 2.png, b\n")
    assert folder(str(tmp_path), "labels.csv").files == [" 1.png", "2.png"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_name_of_several_lines_is_refused_in_one(tmp_path, name):
    with pytest.raises(
        InputError, match=r"here: found the name '.*' with .*, expected one line"
    ) as error:
        checked_name(name, "here")
    assert not set(str(error.value)) & set(name) - set("ab") and printable(str(error.value))
    if "\0" not in name:
        picture(tmp_path / "files" / "a" / f"{name}.png")
        picture(tmp_path / "files" / "b" / "1.png")
        picture(tmp_path / "folders" / name / "1.png")
        picture(tmp_path / "folders" / "b" / "1.png")
        with pytest.raises(InputError, match=r"files: found the file .* expected one line of text"):
            folder(str(tmp_path / "files"))
        with pytest.raises(InputError, match=r"folders: found the folder .* expected one line"):
            folder(str(tmp_path / "folders"))


def test_names_of_several_lines_in_tables_are_refused(tmp_path):
    for number in (1, 2):
        picture(tmp_path / f"{number}.png")
    path = tmp_path / "labels.csv"
    path.write_text('file_name,label\n1.png,"a\nb"\n2.png,c\n')
    with pytest.raises(InputError, match=r"line 3: found the `label` 'a\\nb' with a line break"):
        folder(str(tmp_path), "labels.csv")
    path.write_text('prompt,classname,classidx\na,"a\nb",0\n')
    with pytest.raises(InputError, match=r"line 3: found the class name 'a\\nb' with a line break"):
        read_prompts(path)


def test_prompts_in_another_order_than_the_classes_are_refused():
    labels = pd.DataFrame({"label": [0, 1], "classname": ["cat", "dog"]})
    check_labels(from_templates(["cat", "dog"], ["{}"]), labels, "pets")
    check_labels(from_templates(["kitten", "cat"], ["{}"]), labels, "pets")  # other names
    found = "class 0 is 'cat', but its `prompts` have this name at class index 1"
    with pytest.raises(InputError, match=found):
        check_labels(from_templates(["dog", "cat"], ["{}"]), labels, "pets")
    # two classes may have one name
    twice = pd.DataFrame({"label": [1, 2], "classname": ["crane", "crane"]})
    check_labels(from_templates(["dog", "crane", "crane"], ["{}"]), twice, "birds")


def test_published_numbers_are_found_under_both_spellings(tmp_path):
    path = tmp_path / "published {1}.csv"
    path.write_text(f"table,method,dataset,metric,value\naccuracy,{NFD},NA,top1,5\n")
    row = published.read_published(path).iloc[0]
    assert (row["method"], row["dataset"]) == (NFC, "NA")


def test_texts_that_look_like_numbers_stay_texts(tmp_path):
    frame = pd.DataFrame({"policy": ["NA", "007", "1e3", ""], "value": [1.5, np.nan, 2, 3]})
    files.write_csv(frame, tmp_path / "policies.csv")
    pd.testing.assert_frame_equal(files.read_csv(tmp_path / "policies.csv", ["policy"]), frame)


# --- names in the config


@pytest.fixture
def mine(root):
    """The example config for own images."""
    return yaml.safe_load((root / "config" / "my-images.yaml").read_text())


def test_labels_and_classes_are_of_one_spelling_but_paths_are_not(root, mine, tmp_path):
    picture(tmp_path / NFD / "a" / "1.png")
    mine["datasets"]["mine"] |= {"label": NFD, "path": str(tmp_path / NFD)}
    mine["datasets"]["mine"]["description"] = "two\nlines\n"
    mine["prompts"]["mine"] = {"classes": [NFD, "b"], "templates": [f"{NFD} {{}}"]}
    check_config(mine, root)
    assert mine["datasets"]["mine"]["label"] == NFC
    assert mine["datasets"]["mine"]["description"] == "two lines"
    assert mine["prompts"]["mine"] == {"classes": [NFC, "b"], "templates": [f"{NFC} {{}}"]}
    assert mine["datasets"]["mine"]["path"] == str(tmp_path / NFD)


def bad(*path, value):
    def change(config):
        for key in path[:-1]:
            config = config[key]
        config[path[-1]] = value

    return change


def second_evaluation(config):
    config["evaluations"]["other"] = config["evaluations"]["my-evaluation"] | {"label": NFD}
    config["evaluations"]["my-evaluation"]["label"] = NFC
    config["tables"]["accuracy"]["methods"].append("other")


def second_baseline(config):
    label = config["evaluations"]["my-evaluation"]["label"]
    config["baselines"]["chance"] = {"label": label, "kind": "chance"}
    config["tables"]["accuracy"]["methods"].append("chance")


def second_dataset(config):
    config["datasets"]["other"] = dict(config["datasets"]["mine"])
    config["tables"]["accuracy"]["datasets"].append("other")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (bad("datasets", "mine", "label", value="a\nb"), "datasets.mine.label: .*a line break"),
        (bad("datasets", "mine", "path", value="a\nb"), "datasets.mine.path: .*a line break"),
        (bad("prompts", "mine", "templates", value=["a\tb {}"]), "templates.0: .*a control char"),
        (bad("results", value="my {results}"), r"results: .*expected a path without \{"),
        (bad("results", value="my <results>"), r"results: .*expected a path without \{"),
        (bad("datasets", "mine\n", value={}), "found the name 'mine.n', expected at most 100"),
        (bad("datasets", "x" * 101, value={}), "found the name 'xxx.*, expected at most 100"),
        (
            bad("prompts", "mine", value={"classes": [NFC, NFD], "templates": ["{}"]}),
            "prompts.mine.classes: found 'é Füchse' twice",
        ),
        (second_evaluation, "evaluations.other.label: found 'é Füchse', which `my-evaluation`"),
        (second_baseline, "baselines.chance.label: found 'Diffusion Classifier', which"),
        (second_dataset, "datasets.other.label: found 'My images', which `mine`"),
    ],
)
def test_what_no_name_can_be_is_refused(root, mine, change, says):
    change(mine)
    with pytest.raises(InputError, match=says) as error:
        check_config(mine, root)
    assert "\n" not in str(error.value)
