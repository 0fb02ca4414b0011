"""The source `matching`: how items are stored, chosen and left out, and mistakes in its input."""

import json

import numpy as np
import pytest
from extended import check, config
from matching_trees import picture, sugarcrepe, write

from diffusion_classifier import files
from diffusion_classifier.config.image_counts import candidate_counts, image_count
from diffusion_classifier.data.image_files.left_out import LeftOut, read_classes, read_left_out
from diffusion_classifier.data.matching.description import read_description
from diffusion_classifier.data.matching.stored import memberships
from diffusion_classifier.data.matching.templates import RecordError, fill
from diffusion_classifier.data.prompt_sets import from_captions
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.sources.opening import dataset, pieces
from diffusion_classifier.data.stored_images import read_labels
from diffusion_classifier.data.world import captions
from diffusion_classifier.data.world.tasks import TASKS
from diffusion_classifier.data.world.world import COLOURS, SHAPES
from diffusion_classifier.messages import InputError
from diffusion_classifier.selection.candidates import candidates

DESCRIPTION = """
title: Cups
licence: CC0
source: mine
get: it is here
tasks:
  - subtask: "{kind}"
    annotations: cups.json
    images: ["images/{image}"]
    captions: ["{right}", {list: wrong}]
"""
RECORDS = [
    {"kind": "count", "image": "0.png", "right": "one cup", "wrong": ["two cups", "no cup"]},
    {"kind": "count", "image": "0.png", "right": "a cup", "wrong": ["two cups"]},
    {"kind": "colour", "image": "1.png", "right": "a red cup", "wrong": ["a blue cup"]},
]


@pytest.fixture
def cups(tmp_path):
    """The entry of a data set, whose records and description a test may change."""
    (tmp_path / "cups.yaml").write_text(DESCRIPTION, encoding="utf-8")
    write(tmp_path / "cups.json", RECORDS)
    for number in range(2):
        picture(tmp_path / "images" / f"{number}.png", number)
    return {"source": "matching", "benchmark": f"{tmp_path}/cups.yaml", "root": str(tmp_path)}


def test_an_image_and_a_caption_are_kept_once(cups, tmp_path):
    path = tmp_path / "data.parquet"
    files.write_parquet_pieces(pieces(cups), path)
    data = read_labels(path)
    assert data["source"].tolist() == ["cups/images/0.png", "cups/images/1.png"]
    prompts = from_captions(read_classes(path))
    texts = ["one cup", "two cups", "no cup", "a cup", "a red cup", "a blue cup"]
    assert prompts["prompt"].tolist() == texts
    pairs = candidates(data, prompts)
    assert pairs.to_numpy().tolist() == [[0, 0], [0, 1], [0, 2], [0, 3], [1, 4], [1, 5]]
    items = memberships(data)
    assert [list(numbers) for numbers in items["captions"]] == [[0, 1, 2], [3, 1], [4, 5]]
    assert items["right"].tolist() == [0, 0, 0]
    assert data["classname"].tolist() == ["one cup", "a red cup"]


def test_a_limit_counts_items_and_keeps_the_subtasks_shares(tmp_path):
    sugarcrepe(tmp_path)
    benchmark = "resources/benchmarks/sugarcrepe.yaml"
    spec = {"source": "matching", "benchmark": benchmark, "root": str(tmp_path), "limit": 14}
    items = memberships(dataset(spec))
    assert len(items) == 14 and set(items["subtask"].value_counts()) == {2}
    assert items["example"].max() > 14  # the numbers of all items
    other = memberships(dataset(spec | {"seed": 1}))
    assert set(other["example"]) != set(items["example"])
    some = memberships(dataset(spec | {"limit": 2, "subtasks": ["swap_obj"]}))
    assert set(some["subtask"]) == {"swap_obj"}


BAD = {
    "a missing image": ({"image": "7.png"}, "the image images/7.png is missing"),
    "no such column": ({"right": None, "image": "0.png"}, "found NoneType as a caption"),
    "equal captions": ({"wrong": ["one cup", " one  cup"]}, "all its captions are equal"),
    "one candidate": ({"wrong": []}, "found one candidate, expected at least two"),
    "an empty caption": ({"right": " "}, "found an empty caption"),
    "a path outside": ({"image": "../../x.png"}, "expected a path below the root"),
    "a text for a list": ({"wrong": "two cups"}, "found str, expected a list"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_record_that_is_no_item_is_counted_or_refused(cups, tmp_path, what, capsys):
    change, reason = BAD[what]
    write(tmp_path / "cups.json", [*RECORDS, RECORDS[0] | change])
    left_out, path = LeftOut(), tmp_path / "data.parquet"
    files.write_parquet_pieces(pieces(cups, left_out), path, left_out.metadata)
    assert len(memberships(read_labels(path))) == 3
    (message,) = read_left_out(path).reasons
    assert reason in message and read_left_out(path).count == 1
    assert "cups.json, record 4: left out" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"cups.json, record 4 .*`strict`") as refused:
        dataset(cups | {"strict": True})
    assert reason in str(refused.value)


def test_a_record_without_the_column(cups, tmp_path, capsys):
    lacking = {key: value for key, value in RECORDS[0].items() if key != "kind"}
    write(tmp_path / "cups.json", [*RECORDS, lacking])
    dataset(cups)
    message = capsys.readouterr().err
    assert "record 4: left out (found no `kind`, expected one of image, right, wrong)" in message


def test_a_damaged_image_takes_its_items_along(cups, tmp_path):
    path = tmp_path / "images" / "1.png"
    path.write_bytes(path.read_bytes()[:40])
    items = memberships(dataset(cups))
    assert items["subtask"].tolist() == ["count", "count"]


def test_a_truncated_file_is_one_line(cups, tmp_path):
    path = tmp_path / "cups.json"
    path.write_text(json.dumps(RECORDS)[:-9], encoding="utf-8")
    with pytest.raises(
        InputError, match=r"^cups.json: cannot be read as json \(.*; fetch it again$"
    ):
        dataset(cups)
    path.unlink()
    with pytest.raises(InputError, match=r"^cups.json: cannot be read \(No such file"):
        dataset(cups)


def test_an_array_that_would_run_code_is_left_out(cups, tmp_path):
    np.save(tmp_path / "images" / "2.npy", np.array([print], dtype=object), allow_pickle=True)
    np.save(tmp_path / "images" / "3.npy", np.zeros((4, 4)))
    np.save(tmp_path / "images" / "4.npy", np.full((4, 5, 3), 9, np.uint8))
    more = [RECORDS[0] | {"image": f"{n}.npy"} for n in (2, 3, 4)]
    write(tmp_path / "cups.json", [*RECORDS, *more])
    left_out = LeftOut()
    (table,) = pieces(cups, left_out)
    assert sorted(name for names in left_out.reasons.values() for name in names) == [
        "cups/images/2.npy", "cups/images/3.npy",
    ]  # fmt: skip
    image = decode(table.loc[table["source"].str.endswith("4.npy"), "bytes"].item())
    assert image.size == (5, 4) and image.getpixel((0, 0)) == (9, 9, 9)


DESCRIPTIONS = {
    "no licence": (("licence: CC0\n", ""), "the description: 'licence' is a required property"),
    "an unknown key": (("subtask:", "task:"), "tasks.1: "),
    "a template that runs code": (("{kind}", "{kind.__class__!r}"), "tasks.1.subtask: found"),
    "a wrong pattern": (
        ("    captions:", "    fields: [{of: x, pattern: '(?P<a'}]\n    captions:"),
        "tasks.1.fields: found '\\(\\?P<a'",
    ),
    "a pattern without a name": (
        ("    captions:", "    fields: [{of: x, pattern: '(a)'}]\n    captions:"),
        "without a named group",
    ),
    "no YAML": (("title: Cups", "title: [Cups"), "cannot be read as YAML"),
}


@pytest.mark.parametrize("what", DESCRIPTIONS)
def test_a_mistake_in_a_description_is_one_line(cups, tmp_path, what):
    (old, new), message = DESCRIPTIONS[what]
    assert old in DESCRIPTION
    (tmp_path / "cups.yaml").write_text(DESCRIPTION.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=f"cups.yaml: {message}|cups.yaml: .*{message}") as found:
        read_description(cups["benchmark"])
    assert "\n" not in str(found.value)


def test_templates_take_values_and_no_attributes():
    record = {"id": "42", "names": ["a", {"b": 1.5}]}
    assert fill("{id:012d}/{names.0}-{names.1.b}", record) == "000000000042/a-1.5"
    for template in ("{names}", "{names.2}", "{id.x}", "{names.0:03d}", "{__class__}"):
        with pytest.raises(RecordError):
            fill(template, record)


# --- in a config


def asked(entry, **table):
    """A config with a data set of matching tasks and a table of it."""
    spec = config()
    prompts = spec["prompts"] | {"mine": {"captions": "mine"}}
    data = spec["datasets"] | {"mine": {"label": "Mine", "prompts": "mine"} | entry}
    return {
        "prompts": prompts,
        "datasets": data,
        "baselines": spec["baselines"] | {"guess": {"label": "Guess", "kind": "chance"}},
    }


def test_a_config_may_name_a_shipped_description(cups):
    entry = {"source": "matching", "benchmark": "sugarcrepe", "root": "nowhere", "limit": 700}
    check(**asked(entry))
    whole = config() | asked(entry | {"benchmark": "resources/benchmarks/sugarcrepe.yaml"})
    assert image_count(whole, "mine") == 700 and candidate_counts(whole, "mine") == (2, 1)
    check(**asked(cups))
    for change, message in (
        (
            {"benchmark": "sugarcrape"},
            "mine.benchmark: found 'resources/benchmarks/sugarcrape.yaml'",
        ),
        ({"limit": 7512}, "mine.limit: found 7512, expected at most 7511, the number of examples"),
        ({"dataset": "a/b"}, "mine: found `dataset`, `root`, expected either `root`"),
        ({"subtasks": ["add_atr"]}, "mine.subtasks: found the unknown subtask `add_atr`"),
        ({"skip": 3}, "mine.skip: found 3, but the source matching has no such key"),
    ):
        with pytest.raises(InputError, match=f"datasets.{message}"):
            check(**asked(entry | change))


# --- the rendered tasks


def test_rendered_items_have_one_true_caption_each():
    table = dataset({"source": "scenes-matching", "per_task": 40})
    items = memberships(table)
    assert items["subtask"].value_counts().to_dict() == dict.fromkeys(TASKS, 40)
    shown = set(captions.words())
    positions = []
    for row in items.itertuples():
        texts = list(row.texts)
        assert len(texts) == len(set(texts)) == TASKS[row.subtask]
        assert all(set(text.split()) <= shown for text in texts)
        right = texts[row.right]
        positions.append(row.right)
        words = right.split()
        for other in (text.split() for text in texts if text != right):
            differ = [(a, b) for a, b in zip(words, other, strict=False) if a != b]
            if row.subtask == "replace-object":
                assert len(differ) == 1 and {*differ[0]} <= set(SHAPES)
            if row.subtask == "replace-attribute":
                assert len(differ) == 1 and {*differ[0]} <= set(COLOURS)
            if row.subtask.startswith("swap"):
                assert sorted(words) == sorted(other)
            if row.subtask == "replace-relation":
                assert ("above" in words) != ("above" in other)
    assert len(set(positions)) == 4  # the right one stands anywhere
    shifted = dataset({"source": "scenes-matching", "per_task": 40, "rendering": "shifted"})
    assert shifted["classname"].equals(table["classname"])
    assert not (shifted["bytes"] == table["bytes"]).any()
    more = dataset({"source": "scenes-matching", "per_task": 41})
    assert more["bytes"].head(len(table)).equals(table["bytes"])
