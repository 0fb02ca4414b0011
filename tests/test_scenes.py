"""The rendered world: captions describe the drawings, and held-out pairs do not appear."""

import colorsys
from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.sources.opening import dataset, open_source
from diffusion_classifier.data.world import captions, render, world
from diffusion_classifier.messages import InputError

SCENES = [world.random_scene(np.random.default_rng(seed)) for seed in range(400)]
OPENINGS = ("a picture of ", "an image of ", "a drawing of ", "there is ", "we see ", "")
# degrees of hue from the everyday meaning of the colours, not from the renderer
HUES = {
    "red": (-20, 30),
    "yellow": (35, 75),
    "green": (90, 160),
    "cyan": (165, 205),
    "blue": (210, 255),
    "purple": (260, 320),
}


# --- the world


def test_each_colour_and_each_shape_is_in_exactly_one_held_out_pair():
    assert sorted(colour for colour, _ in world.HELD_OUT) == sorted(world.COLOURS)
    assert sorted(shape for _, shape in world.HELD_OUT) == sorted(world.SHAPES)


def test_pairs_are_split_in_two():
    seen, unseen = set(world.pairs(True)), set(world.pairs(False))
    assert unseen == world.HELD_OUT and len(seen) == 30 and not seen & unseen


def test_random_scenes_never_show_a_held_out_pair_and_all_others():
    shown = {(thing.colour, thing.shape) for scene in SCENES for thing in scene.things}
    assert shown == set(world.pairs(True))
    for scene in SCENES:
        looks = {(thing.colour, thing.shape) for thing in scene.things}
        assert len(looks) == len(scene.things) and bool(scene.relation) == (len(looks) == 2)


# --- captions


def is_true(phrase, thing):
    """Whether every word of a noun phrase holds for a thing."""
    article, *adjectives, noun = phrase.split()
    return (
        article == "a"
        and noun in (thing.shape, "thing")
        and set(adjectives) <= {thing.size, thing.colour}
    )


def holds(caption, scene):
    """Whether a caption is true for a scene, read from its words."""
    opening = next(opening for opening in OPENINGS if caption.startswith(opening))
    caption = caption.removeprefix(opening)
    for relation in (" left of ", " above "):
        if relation in caption:
            both = caption.split(relation)
            same = relation.strip() == scene.relation
            return same and all(map(is_true, both, scene.things))
    parts = caption.split(" and ")
    return len(parts) == len(scene.things) and any(
        all(map(is_true, order, scene.things)) for order in permutations(parts)
    )


def test_every_caption_of_a_random_scene_is_true():
    for seed, scene in enumerate(SCENES):
        rng = np.random.default_rng([1, seed])
        for _ in range(5):
            caption = captions.random_caption(scene, rng)
            assert holds(caption, scene), (caption, scene)


def test_the_reader_of_captions_notices_what_is_false():
    red, blue = world.Thing("red", "circle", "large"), world.Thing("blue", "square", "small")
    scene = world.Scene((red, blue), "above")
    assert holds("there is a blue square and a red circle", scene)
    for caption in (
        "a red circle left of a blue square",
        "a blue square above a red circle",
        "a red square above a blue circle",
        "a red circle",
    ):
        assert not holds(caption, scene)


def test_captions_are_deterministic_and_of_known_words():
    known = set(captions.words())
    for seed, scene in enumerate(SCENES[:100]):
        first, again = (
            captions.random_caption(scene, np.random.default_rng(seed)) for _ in range(2)
        )
        assert first == again and set(first.split()) <= known


def test_relate_names_both_things_and_their_relation():
    red, blue = world.Thing("red", "circle", "large"), world.Thing("blue", "square", "small")
    scene = world.Scene((red, blue), "left of")
    assert captions.relate(scene) == "a red circle left of a blue square"
    assert captions.relate(scene, ("shape",)) == "a circle left of a square"
    assert captions.phrase(red, ("size", "colour")) == "a large red thing"


# --- drawings


def coloured(image):
    """The places of each colour in an image: name -> rows and columns `(pixel, 2)`."""
    found = {}
    for (row, column), _ in np.ndenumerate(np.zeros(image.size[::-1])):
        hue, saturation, _ = colorsys.rgb_to_hsv(
            *(channel / 255 for channel in image.getpixel((column, row)))
        )
        if saturation > 0.35:
            degrees = hue * 360 if hue * 360 < 330 else hue * 360 - 360
            for name, (low, high) in HUES.items():
                if low <= degrees <= high:
                    found.setdefault(name, []).append((row, column))
    return {name: np.array(pixels) for name, pixels in found.items()}


def big(found):
    """The colours with more than a few pixels."""
    return {name: pixels for name, pixels in found.items() if len(pixels) >= 10}


@pytest.mark.parametrize("shape", world.SHAPES)
@pytest.mark.parametrize("colour", world.COLOURS)
def test_a_thing_has_its_colour_and_its_size(colour, shape):
    area = {}
    for size in world.SIZES:
        scene = world.Scene((world.Thing(colour, shape, size),))
        found = big(coloured(render.draw(scene, np.random.default_rng(0))))
        assert set(found) == {colour}
        area[size] = len(found[colour])
        assert np.abs(found[colour].mean(axis=0) - 15.5).max() < 5
    assert area["large"] > 1.8 * area["small"]


def test_of_two_things_the_first_is_left_of_or_above_the_second():
    related = [scene for scene in SCENES if scene.relation][:60]
    checked = Counter()
    for seed, scene in enumerate(related):
        first, second = scene.things
        if first.colour == second.colour:
            continue
        found = big(coloured(render.draw(scene, np.random.default_rng(seed))))
        assert set(found) == {first.colour, second.colour}
        along = 1 if scene.relation == "left of" else 0
        middles = [found[thing.colour].mean(axis=0) for thing in scene.things]
        assert middles[0][along] + 8 < middles[1][along]
        assert abs(middles[0][1 - along] - middles[1][1 - along]) < 5
        checked[scene.relation] += 1
    assert min(checked[relation] for relation in world.RELATIONS) >= 10


def test_all_shapes_look_different():
    silhouettes = []
    for shape in world.SHAPES:
        scene = world.Scene((world.Thing("red", shape, "large"),))
        mask = np.zeros((32, 32), bool)
        mask[tuple(coloured(render.draw(scene, np.random.default_rng(0)))["red"].T)] = True
        silhouettes.append(mask)
    for first, second in permutations(silhouettes, 2):
        assert (first & second).sum() / (first | second).sum() < 0.95


def test_drawing_is_deterministic_and_rgb():
    for seed, scene in enumerate(SCENES[:10]):
        one, two = (render.draw(scene, np.random.default_rng(seed)) for _ in range(2))
        assert one.mode == "RGB" and one.size == (32, 32)
        assert one.tobytes() == two.tobytes()
        assert one.tobytes() != render.draw(scene, np.random.default_rng(seed + 1)).tobytes()


# --- data sets


def table(**spec):
    return dataset({"source": "scenes", **spec})


@pytest.mark.parametrize(
    ("task", "pairs", "classes"),
    [
        *(("shapes", "seen", 6), ("colours", "unseen", 6), ("sizes", "seen", 2)),
        *(("colour-shape", "seen", 30), ("colour-shape", "unseen", 6)),
    ],
)
def test_labels_are_balanced_and_things_of_the_wanted_pairs(task, pairs, classes):
    source = open_source({"source": "scenes", "task": task, "pairs": pairs})
    counts = Counter(source.label(index) for index in range(len(source)))
    assert len(counts) == classes and max(counts.values()) - min(counts.values()) <= 1
    things = [source.scene(index)[0].things for index in range(200)]
    assert all(len(each) == 1 for each in things)
    held_out = [(each[0].colour, each[0].shape) in world.HELD_OUT for each in things]
    assert all(held_out) if pairs == "unseen" else not any(held_out)


@pytest.mark.parametrize(
    ("task", "attribute"), [("shapes", "shape"), ("colours", "colour"), ("sizes", "size")]
)
def test_a_label_is_what_the_thing_is(task, attribute):
    source = open_source({"source": "scenes", "task": task})
    for index in range(60):
        (thing,) = source.scene(index)[0].things
        assert source.class_names[source.label(index)] == getattr(thing, attribute)


def test_a_label_names_colour_and_shape():
    source = open_source({"source": "scenes", "task": "colour-shape"})
    for index in range(60):
        (thing,) = source.scene(index)[0].things
        assert source.class_names[source.label(index)] == f"{thing.colour} {thing.shape}"


@pytest.mark.parametrize("task", ["shapes", "colour-shape"])
def test_splits_share_no_image(task):
    drawn = {
        split: set(table(task=task, split=split, limit=120)["bytes"])
        for split in ("train", "validation", "test")
    }
    assert all(len(images) == 120 for images in drawn.values())
    for first, second in permutations(drawn, 2):
        assert not drawn[first] & drawn[second]


def test_an_image_does_not_depend_on_limit_or_seed():
    few, many = table(task="shapes", limit=12), table(task="shapes", limit=48, seed=0)
    other = table(task="shapes", limit=200, seed=9)
    both = few.merge(many, on="source")
    assert len(both) == 12 and (both["bytes_x"] == both["bytes_y"]).all()
    shared = many.merge(other, on="source")
    assert len(shared) > 0 and (shared["bytes_x"] == shared["bytes_y"]).all()


def test_shifted_shows_the_same_scenes_in_another_style():
    plain, shifted = (
        open_source({"source": "scenes", "task": "shapes", "rendering": rendering})
        for rendering in ("plain", "shifted")
    )
    for index in range(20):
        assert plain.scene(index)[0] == shifted.scene(index)[0]
        assert plain.label(index) == shifted.label(index)
        assert plain.image(index).tobytes() != shifted.image(index).tobytes()
    # a corner is background: grey in the plain style, tinted in the other
    spread = [
        [np.ptp(np.asarray(source.image(index))[0, 0].astype(int)) for index in range(20)]
        for source in (plain, shifted)
    ]
    assert max(spread[0]) == 0 and np.median(spread[1]) > 15


def test_training_scenes_carry_true_captions():
    data = table(task="captions", limit=20)
    source = open_source({"source": "scenes", "task": "captions"})
    for row in data.itertuples():
        scene = source.scene(int(row.source.rsplit("/", 1)[1]))[0]
        assert len(row.captions) == 4 and all(holds(text, scene) for text in row.captions)
        assert decode(row.bytes).size == (32, 32)


@pytest.mark.parametrize(
    ("key", "value"),
    [("task", "size"), ("split", "all"), ("pairs", "both"), ("rendering", "sketch")],
)
def test_a_value_there_is_not_is_said(key, value):
    found = f"`{key}` of source `scenes`: found the unknown {key} `{value}`"
    with pytest.raises(InputError, match=found):
        open_source({"source": "scenes", **{"task": "shapes"}, key: value})
