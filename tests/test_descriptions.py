"""Every shipped description, on a tiny tree in the true format of its benchmark."""

import pytest
from hub_cache import snapshot, stay_alone
from matching_hub_trees import BENCHMARKS, HUB, SHA, opened
from matching_trees import FOLDERS, colour, greys

from diffusion_classifier.data.matching.description import read_description
from diffusion_classifier.data.matching.stored import memberships
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.messages import InputError

NAMES = sorted(path.stem for path in BENCHMARKS.glob("*.yaml"))


def items_of(table):
    """Subtask -> items, each a list of images and a list of captions, in order.

    An image is its grey and its caption, or None where none belongs to it.
    """
    grey = greys(table).to_numpy()
    found = {}
    for _, rows in memberships(table).sort_values(["example", "position"]).groupby("example"):
        images = [
            (round(grey[row.image]), row.texts[row.right] if row.right >= 0 else None)
            for row in rows.itertuples()
        ]
        first = rows.iloc[0]
        assert len(rows) == first["images"]
        found.setdefault(first["subtask"], []).append((images, list(first["texts"])))
    return found


def one(number, right, *wrong):
    """An item of one image, whose right caption comes first."""
    return [(colour(number), right)], [right, *wrong]


def two(number, *captions):
    """An item of two images and two captions."""
    return [(colour(number + k), captions[k]) for k in (0, 1)], list(captions)


def sugarcrepe():
    kinds = ("add_att", "add_obj", "replace_att", "replace_obj", "replace_rel", "swap_att")
    return {
        kind: [one(n, f"{kind} right {n}.", f"{kind} wrong {n}.") for n in range(3)]
        for kind in (*kinds, "swap_obj")
    }


def aro_relation():
    every = [one(n, f"right {n}", f"wrong {n}") for n in range(3)]
    return {"on": every[::2], "under": every[1:2]}


def aro_attribution():
    return {"big new": [one(0, f"a {n}", "wrong 0") for n in range(25)]}


def aro_order():
    return {
        name: [one(n // 2, *(f"{file} {n} {word}" for word in "abcde")) for n in range(3)]
        for name, file in (("COCO", "coco_order"), ("Flickr30k", "flickr30k_order"))
    }


def cola():
    return {"multi-object": [two(2 * n, f"red {n}", f"blue {n}") for n in range(3)]}


def eqben():
    blue = round(200 / 3)
    arrays = [(blue, "caption 0 0"), (blue, "caption 0 1")], ["caption 0 0", "caption 0 1"]
    others = [two(2 * n, f"caption {n} 0", f"caption {n} 1") for n in (1, 2)]
    return {"eqbenyoucook2": [arrays], "eqbensd": others}


def whatsup():
    found = {}
    for letter, names in (
        ("A", ("left_of", "right_of", "on", "under")),
        ("B", ("left_of", "right_of", "in-front_of", "behind")),
    ):
        items = []
        for first, second in (("cup", "coffee-table"), ("mug", "chair")):
            captions = [f"A {first} {name} a {second}" for name in names]
            start = 0 if letter == "A" else 4
            items += [one(start + k, *captions[k:], *captions[:k]) for k in range(4)]
        found[f"controlled {letter}"] = items
    for kind, label in (("coco", "COCO"), ("vg", "VG")):
        for objects, ending in (("one", "one object"), ("two", "two objects")):
            found[f"{label} {ending}"] = [
                one(n, f"{kind} {objects} left {n}", f"{kind} right {n}") for n in range(3)
            ]
    return found


def mmvp():
    return {
        kind: [two(first, *(f"a photo of a cup, seen {first + k}" for k in (0, 1)))]
        for kind, first in (("Camera Perspective", 1), ("Text", 3))
    }


def clevr():
    kinds = ("pair_binding_size", "pair_binding_color", "recognition_color", "recognition_shape")
    found = {
        kind: [one(n, f"{kind} {n} {i} a", f"{kind} {n} {i} b") for n in range(3) for i in (0, 1)]
        for kind in (*kinds, "binding_color_shape", "binding_shape_color")
    }
    both = [(n, f"spatial {n} {i} a", f"spatial {n} {i} b") for n in range(3) for i in (0, 1)]
    found["spatial"] = [([(colour(n), second)], [first, second]) for n, first, second in both]
    return found


def flickr30k():
    images = [
        (
            [(colour(k + n % 2), f"caption {n}" if k == 0 else None) for k in range(10)],
            [f"caption {n}"],
        )
        for n in (0, 5)
    ]
    texts = [one(n, f"own {n} 0", *(f"other {n} {i}" for i in range(5))) for n in range(3)]
    return {"image retrieval": images, "text retrieval": texts}


def mmbias():
    greys = {
        name: [colour(n), colour(n + 5)]
        for names in (
            ("Christian", "Muslim", "Jewish", "Hindu", "Buddhist"),
            ("American", "Arab"),
            ("Heterosexual", "LGBT"),
        )
        for n, name in enumerate(names)
    }
    pairs = [
        ("Christian", "Muslim"), ("Christian", "Jewish"), ("Jewish", "Muslim"),
        ("Buddhist", "Muslim"), ("Buddhist", "Christian"), ("Buddhist", "Hindu"),
        ("Buddhist", "Jewish"), ("Hindu", "Muslim"), ("American", "Arab"),
        ("Heterosexual", "LGBT"),
    ]  # fmt: skip
    words = ["joy", "love", "peace", "pain", "war"]
    return {
        f"{first} - {second}": [
            ([(grey, None)], words) for name in sorted((first, second)) for grey in greys[name]
        ]
        for first, second in pairs
    }


def gender_bias():
    return {
        kind: [([(colour(n), None)], list(words)) for _ in words for n in (1, 6, 7, 12)]
        for kind, words in (
            ("clothes", ("suit", "apron")),
            ("bags", ("briefcase", "purse")),
            ("drinks", ("beer", "wine")),
        )
    }


def self_bench():
    asked = {
        "single_object": (["a cup", "a shelf", "a dog"], 1),
        "two_object": (["a cup and a cat", "a cup and a dog"], 1),
        "counting": ([f"{n} cups" for n in ("one", "two", "three", "four")], 2),
        "colors": (["a teal cup", "a red cup"], 1),
        "color_attr": (["a red cup and a blue dog", "a blue cup"], 0),
        "position": (["a dog above a cup", "a dog below a cup"], 1),
    }
    found = {}
    for model in ("SD 1.5", "SD 2.0", "SD 3 medium"):
        for number, (tag, (texts, right)) in enumerate(asked.items()):
            prompts = [f"a photo of {text}" for text in texts]
            item = [(colour(number), prompts[right])], prompts
            found[f"{model}: {tag}"] = [item, item]
            found[f"{model}: {tag}, correct"] = [item]
    return found


def winoground():
    every = [two(2 * n, f"caption_0 {n}", f"caption_1 {n}") for n in range(3)]
    return dict(zip(("Object", "Relation", "Both"), ([item] for item in every), strict=True))


def vismin():
    every = [two(2 * n, f"text_0 {n}", f"text_1 {n}") for n in range(3)]
    return {"object": every[::2], "counting": every[1:2]}


def aro_coco_order():
    return {"COCO": aro_order()["COCO"]}


def aro_flickr30k_order():
    return {"Flickr30k": aro_order()["Flickr30k"]}


EXPECTED = {
    "sugarcrepe": sugarcrepe, "aro-relation": aro_relation, "aro-attribution": aro_attribution,
    "aro-order": aro_order, "cola": cola, "eqben": eqben, "whatsup": whatsup, "mmvp": mmvp,
    "clevr": clevr, "flickr30k": flickr30k, "mmbias": mmbias, "gender-bias": gender_bias,
    "self-bench": self_bench, "winoground": winoground, "vismin": vismin,
    "aro-coco-order": aro_coco_order, "aro-flickr30k-order": aro_flickr30k_order,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_items_are_those_of_the_benchmark(name, tmp_path, monkeypatch):
    found = items_of(opened(name, tmp_path, monkeypatch))
    expected = EXPECTED[name]()
    assert found.keys() == expected.keys()
    for subtask, items in expected.items():
        assert sorted(found[subtask], key=repr) == sorted(items, key=repr), subtask


def test_all_have_a_tree():
    assert set(NAMES) == set(EXPECTED) == {*FOLDERS, *HUB}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_reader_has_to_know_is_said(name):
    found = read_description(BENCHMARKS / f"{name}.yaml")
    for text in (found.title, found.licence, found.source, found.get):
        assert text == " ".join(text.split()) and len(text) >= 3
    assert found.shape is not None
    assert "arXiv" in found.source or "github.com" in found.source
    if isinstance(found.counts, dict):
        named = {task.subtask for task in found.tasks}
        assert None in named or set(found.counts) == named


def test_a_key_that_stands_twice_is_refused(tmp_path):
    text = (BENCHMARKS / "cola.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(f"{text}\ntitle: Another\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^\S+mine.yaml: found the key `title` in line \d+ and"):
        read_description(tmp_path / "mine.yaml")


def test_mmvp_from_the_hub(tmp_path, monkeypatch):
    """A repository of files: they are fetched as a whole."""
    stay_alone(tmp_path, monkeypatch)
    folder = snapshot(tmp_path, "MMVP/MMVP_VLM", SHA)
    FOLDERS["mmvp"](folder)
    spec = {"source": "matching", "benchmark": str(BENCHMARKS / "mmvp.yaml")}
    table = dataset(spec | {"dataset": "MMVP/MMVP_VLM", "revision": SHA})
    assert items_of(table) == mmvp()


def test_boxes_are_cut_out(tmp_path, monkeypatch):
    from diffusion_classifier.data.sources.image_source import decode

    table = opened("aro-relation", tmp_path, monkeypatch)
    sizes = [decode(data).size for data in table["bytes"]]
    assert sizes == [(5, 4), (5, 5), (5, 6)]
    assert table["source"].iloc[0] == "aro-relation/images/0.jpg#2,1,5,4"


def test_arrays_have_blue_first(tmp_path, monkeypatch):
    from diffusion_classifier.data.sources.image_source import decode

    table = opened("eqben", tmp_path, monkeypatch)
    (array,) = table.loc[table["source"].str.endswith("youcook2/0/0.npy"), "bytes"]
    assert decode(array).getpixel((0, 0)) == (0, 0, 200)


def test_pairs_and_sets_of_whatsup(tmp_path, monkeypatch):
    rows = memberships(opened("whatsup", tmp_path, monkeypatch))
    rows = rows[rows["subtask"] == "controlled A"]
    assert rows["pair"].value_counts().to_dict() == {
        "cup coffee-table side": 2, "cup coffee-table height": 2,
        "mug chair side": 2, "mug chair height": 2,
    }  # fmt: skip
    assert set(rows["set"]) == {"cup coffee-table", "mug chair"}
    assert set(rows["pair_size"]) == {2} and set(rows["set_size"]) == {4}


def test_groups_of_bias(tmp_path, monkeypatch):
    rows = memberships(opened("mmbias", tmp_path, monkeypatch))
    rows = rows[rows["subtask"] == "Jewish - Muslim"]
    assert sorted(rows["side"]) == [-1, -1, 1, 1]
    assert [list(signs) for signs in rows["signs"]] == [[1, 1, 1, -1, -1]] * 4
