"""Winoground: rendered examples, the original's schema, and the definitions of scores."""

import io
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from diffusion_classifier import files
from diffusion_classifier.data.sources.winoground import read_winoground, winoground_table
from diffusion_classifier.data.world.compositions import exchanged, winoground_examples
from diffusion_classifier.data.world.world import HELD_OUT
from diffusion_classifier.messages import InputError

EXAMPLES = winoground_examples(40)
RELATIONS = (" left of ", " above ")


def split(caption):
    """First phrase, relation, second phrase; each phrase as its words without the article."""
    relation = next(relation for relation in RELATIONS if relation in caption)
    first, second = (tuple(side.split()[1:]) for side in caption.split(relation))
    return first, relation, second


def opened(image):
    return np.asarray(Image.open(io.BytesIO(image["bytes"])))


def test_captions_have_the_same_words_in_another_order():
    for row in EXAMPLES.itertuples():
        assert row.caption_0 != row.caption_1
        assert Counter(row.caption_0.split()) == Counter(row.caption_1.split())


def test_each_tag_exchanges_what_it_says():
    for row in EXAMPLES.itertuples():
        first, relation, second = split(row.caption_0)
        changed = {
            "Object": (second, relation, first),
            "Both": (second, relation, first),
            "Relation": ((second[0], first[-1]), relation, (first[0], second[-1])),
        }
        assert split(row.caption_1) == changed[row.collapsed_tag]
        assert first[-1] != second[-1]
        assert len(first) == len(second) == (1 if row.collapsed_tag == "Object" else 2)
        if row.collapsed_tag != "Object":
            assert first[0] != second[0]


@pytest.mark.parametrize("tag", ["Object", "Relation", "Both"])
def test_no_held_out_pair_is_shown_and_both_relations_are(tag):
    seen = [exchanged(tag, np.random.default_rng(seed)) for seed in range(300)]
    things = {(t.colour, t.shape) for scenes in seen for scene in scenes for t in scene.things}
    assert things and not things & HELD_OUT
    assert {scene.relation for scenes in seen for scene in scenes} == {"left of", "above"}


def test_no_caption_names_a_held_out_pair():
    named = EXAMPLES[EXAMPLES["collapsed_tag"] != "Object"]
    texts = pd.concat([named["caption_0"], named["caption_1"]])
    phrases = {side for caption in texts for side in split(caption)[::2]}
    assert len(phrases) > 20 and not phrases & HELD_OUT


HUES = {"red": 0, "yellow": 55, "green": 130, "cyan": 184, "blue": 230, "purple": 283}


def halves(image, relation):
    """Colour and centred silhouette of the thing in each half of an image, read from pixels."""
    hue, saturation, _ = np.asarray(Image.fromarray(opened(image)).convert("HSV")).T
    if relation == " above ":
        hue, saturation = hue.T, saturation.T  # the things are now along the first axis
    for part in (slice(0, 16), slice(16, 32)):
        mask = saturation[part] > 100
        degrees = np.median(hue[part][mask].astype(float)) * 360 / 255
        away = {name: abs((degrees - at + 180) % 360 - 180) for name, at in HUES.items()}
        cells = np.argwhere(mask)
        cells = np.round(cells - cells.mean(axis=0)).astype(int) + 16
        silhouette = np.zeros((32, 32), bool)
        # upright, along whichever axis the things are placed
        silhouette[tuple(cells.T if relation != " above " else cells[:, ::-1].T)] = True
        yield min(away, key=away.get), silhouette


def overlap(first, second):
    return (first & second).sum() / (first | second).sum()


@pytest.mark.parametrize("tag", ["Object", "Relation", "Both"])
def test_images_show_what_their_captions_say(tag):
    apart = []
    for row in EXAMPLES[EXAMPLES["collapsed_tag"] == tag].itertuples():
        shown = []
        for image, caption in ((row.image_0, row.caption_0), (row.image_1, row.caption_1)):
            first, relation, second = split(caption)
            shown.append(list(halves(image, relation)))
            if tag != "Object":
                assert [colour for colour, _ in shown[-1]] == [first[0], second[0]]
        (one, two), (three, four) = shown
        assert (one[0], two[0]) == (four[0], three[0])
        # Relation keeps the shapes in their places, the other tags exchange them
        swapped = overlap(one[1], four[1]) + overlap(two[1], three[1])
        kept = overlap(one[1], three[1]) + overlap(two[1], four[1])
        apart.append(kept - swapped if tag == "Relation" else swapped - kept)
    assert np.mean(np.array(apart) > 0) >= 0.9


def test_schema_is_the_originals(tmp_path):
    assert list(EXAMPLES.columns) == [
        *("id", "image_0", "image_1", "caption_0", "caption_1"),
        *("tag", "secondary_tag", "num_main_preds", "collapsed_tag"),
    ]
    assert EXAMPLES["id"].tolist() == list(range(120)) and EXAMPLES["id"].dtype == "int64"
    assert EXAMPLES["collapsed_tag"].value_counts().to_dict() == dict.fromkeys(
        ("Object", "Relation", "Both"), 40
    )
    assert set(EXAMPLES["image_0"][0]) == {"bytes", "path"}
    assert opened(EXAMPLES["image_0"][0]).shape == (32, 32, 3)
    files.write_parquet(EXAMPLES, tmp_path / "test.parquet")
    back = read_winoground(tmp_path / "test.parquet")
    pd.testing.assert_frame_equal(winoground_table(back), winoground_table(EXAMPLES))


def test_examples_depend_on_seed_tag_and_number_alone():
    pd.testing.assert_frame_equal(winoground_examples(3), EXAMPLES[:9])
    other = winoground_examples(3, seed=1)
    assert (other["caption_0"] != EXAMPLES["caption_0"][:9]).any()


# --- the data set table


def test_table_has_two_rows_per_example():
    table = winoground_table(EXAMPLES)
    assert table["image"].tolist() == table["label"].tolist() == list(range(240))
    for column in ("image", "label", "example"):
        assert table[column].dtype == "int64"
    for image in table.itertuples():
        row, k = EXAMPLES.iloc[image.image // 2], image.image % 2
        assert image.example == image.image // 2
        assert image.classname == row[f"caption_{k}"]
        assert image.bytes == row[f"image_{k}"]["bytes"]
        assert image.source == f"winoground/{row['id']}/image_{k}"
        assert image.tag == row["collapsed_tag"]


def test_limit_counts_examples_and_keeps_the_shares_of_the_tags():
    few = EXAMPLES[(EXAMPLES["collapsed_tag"] != "Both") | (EXAMPLES["id"] < 60)]
    table = winoground_table(few, limit=25, seed=3)
    assert len(table) == 50 and table["example"].tolist() == np.repeat(range(25), 2).tolist()
    counts = table.drop_duplicates("example")["tag"].value_counts().to_dict()
    assert counts == {"Object": 10, "Relation": 10, "Both": 5}
    identifiers = table["source"].str.split("/").str[1].to_numpy()
    assert (identifiers[::2] == identifiers[1::2]).all()
    assert len(winoground_table(few, limit=25, seed=4).merge(table, on="source")) < 50


def spoilt(column, value):
    frame = winoground_examples(2)
    frame[column] = frame[column].astype(object)
    frame.at[4, column] = value
    return frame


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (EXAMPLES.drop(columns="caption_1"), "`caption_1` is missing"),
        (EXAMPLES[:0], "no examples"),
        (spoilt("collapsed_tag", "Noun"), "id 4: found the collapsed_tag 'Noun'"),
        (spoilt("caption_0", "  "), "id 4: found an empty caption_0"),
        (spoilt("caption_1", None), "id 4: found an empty caption_1"),
        (spoilt("caption_1", EXAMPLES["caption_0"][4]), "id 4: found the caption"),
        (spoilt("image_1", {"bytes": None, "path": "a.png"}), "id 4: found an image_1 without"),
        (spoilt("image_0", None), "id 4: found an image_0 without"),
    ],
)
def test_what_is_wrong_with_examples_is_said(examples, message):
    with pytest.raises(InputError, match=message):
        winoground_table(examples)


@pytest.mark.parametrize("limit", [0, 121])
def test_a_limit_there_is_not_is_said_in_examples(limit):
    with pytest.raises(InputError, match="number of Winoground examples"):
        winoground_table(EXAMPLES, limit)


def test_reading_names_the_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: cannot be read"):
        read_winoground(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no Parquet")
    with pytest.raises(InputError, match=r"text\.parquet: cannot be read"):
        read_winoground(tmp_path / "text.parquet")
    files.write_parquet(EXAMPLES[["id"]], tmp_path / "short.parquet")
    with pytest.raises(InputError, match=r"short\.parquet: the column `image_0` is missing"):
        read_winoground(tmp_path / "short.parquet")
