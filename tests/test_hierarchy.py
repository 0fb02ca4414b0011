"""Groups, then the classes of the best groups, compared with loops over random errors; configs."""

import copy

import numpy as np
import pandas as pd
import pytest
import yaml
from refusals import refused_config

from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.data.prompt_sets import with_unconditional
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError
from diffusion_classifier.operations.costs import estimate
from diffusion_classifier.selection.hierarchy import best_groups, group_pairs, read_groups
from diffusion_classifier.selection.pruning import prediction_table
from diffusion_classifier.selection.racing import Gap, race

CLASS_OF = [0, 0, 1, 2, 3, 3, 4, 5]  # eight prompts, six classes
GROUPS_OF = [2, 0, 1, 0, 2, 2]  # of six classes; group 3 has none
GROUP_CLASS_OF = [0, 0, 1, 2, 2, 2, 3]  # seven prompts of four groups
IMAGES = [1, 4, 5]


def prompts_of(class_of):
    names = [f"class {index}" for index in class_of]
    texts = [f"prompt {number}" for number in range(len(class_of))]
    return pd.DataFrame({"prompt": texts, "classname": names, "classidx": class_of})


PROMPTS, GROUP_PROMPTS = prompts_of(CLASS_OF), prompts_of(GROUP_CLASS_OF)


def some_pairs(seed, prompts=8):
    """Some prompts of every image, at least one."""
    generator = np.random.default_rng(seed)
    left = {i: sorted(generator.choice(prompts, generator.integers(1, 8), False)) for i in IMAGES}
    rows = [(image, prompt) for image, own in left.items() for prompt in own]
    return pd.DataFrame(rows, columns=["image", "prompt"]).astype("int64")


def rows(pairs):
    return list(pairs[["image", "prompt"]].itertuples(index=False, name=None))


def random_errors(pairs, seed, samples=3):
    values = np.random.default_rng(seed).random((len(pairs), samples), "float32")
    times = [Sample(t, t) for t in range(samples)]
    return error_dataset({"l1": 1 - values, "l2": values}, pairs, times, {"seconds": 1.0})


@pytest.mark.parametrize("prompts", [PROMPTS, with_unconditional(PROMPTS)], ids=["", "and none"])
@pytest.mark.parametrize("seed", range(4))
def test_images_are_asked_about_the_groups_above_their_classes(seed, prompts):
    pairs = some_pairs(seed)
    expected = [
        (image, prompt)
        for image in IMAGES
        for prompt, group in enumerate(GROUP_CLASS_OF)
        if group in {GROUPS_OF[CLASS_OF[p]] for i, p in rows(pairs) if i == image}
    ]
    assert rows(group_pairs(pairs, prompts, GROUP_PROMPTS, GROUPS_OF)) == expected


@pytest.mark.parametrize(("combine", "reduce"), [("mean", np.mean), ("best", min)])
@pytest.mark.parametrize("keep", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_the_classes_of_the_best_groups_go_on(seed, keep, combine, reduce):
    pairs = some_pairs(seed)
    coarse = group_pairs(pairs, PROMPTS, GROUP_PROMPTS, GROUPS_OF)
    shuffled = coarse.sample(frac=1, random_state=seed)
    halves = [shuffled.iloc[::2], shuffled.iloc[1::2]]  # as class parts are
    errors = [random_errors(half, seed + n) for n, half in enumerate(halves)]
    found = best_groups(
        pairs, PROMPTS, coarse, GROUP_PROMPTS, errors, GROUPS_OF, keep, "l2", combine
    )
    mean = {
        pair: values.mean()
        for half, each in zip(halves, errors, strict=True)
        for pair, values in zip(rows(half), each["l2"].values.astype("float64"), strict=True)
    }
    expected = []
    for image in IMAGES:
        own = {}
        for (i, prompt), error in mean.items():
            if i == image:
                own.setdefault(GROUP_CLASS_OF[prompt], []).append(error)
        best = sorted(own, key=lambda group: reduce(own[group]))[:keep]
        expected += [
            (i, p) for i, p in rows(pairs) if i == image and GROUPS_OF[CLASS_OF[p]] in best
        ]
    assert rows(found) == expected


def test_the_groups_are_counted_but_decide_nothing():
    pairs = some_pairs(0)
    coarse = group_pairs(pairs, PROMPTS, GROUP_PROMPTS, GROUPS_OF)
    first, fine = random_errors(coarse, 1, samples=5), random_errors(pairs, 2)
    labels = pd.DataFrame({"image": IMAGES, "label": 0})
    tables = [
        prediction_table([fine], pairs, np.array(CLASS_OF), labels, coarse=spent)
        for spent in ((), [first])
    ]
    for without, with_groups in zip(*(t.to_dict("records") for t in tables), strict=True):
        asked = (coarse["image"] == without["image"]).sum()
        assert with_groups["evaluations"] == without["evaluations"] + 5 * asked
        assert with_groups["seconds"] == pytest.approx(without["seconds"] + asked / len(coarse))
        assert with_groups["prediction"] == without["prediction"]
        np.testing.assert_array_equal(with_groups["scores"], without["scores"])


def test_a_file_may_say_the_groups(tmp_path):
    path = tmp_path / "groups.csv"
    text = "\ufeffclassidx,classname,group\n2,c,1\n0,a,0\n1,b,1\n"
    path.write_text(text, encoding="utf-8")
    assert read_groups(str(path)) == {0: 0, 1: 1, 2: 1} == read_groups([0, 1, 1])


BAD_FILES = {
    "no column": ("classidx,of\n0,0\n", ["cannot be read", "group", "classidx,group", "correct"]),
    "no number": ("classidx,group\n0,red\n", ["cannot be read", "'red'", "whole numbers"]),
    "a short line": ("classidx,group\n0\n", ["cannot be read", "classidx,group"]),
    "a class twice": ("classidx,group\n0,1\n0,0\n", ["line 3", "class 0 again", "remove one"]),
    "a class missing": ("classidx,group\n0,1\n2,0\n", ["no group of the class 1", "0 to 2", "add"]),
    "no such class": ("classidx,group\n" + "".join(f"{i},0\n" for i in range(4)), ["class 3"]),
    "no such group": ("classidx,group\n0,0\n1,7\n2,0\n", ["group 7 of the class 1", "0 to 3"]),
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_of_groups_are_refused(tmp_path, text, message):
    path = tmp_path / "groups.csv"
    path.write_text(text, encoding="utf-8")
    pairs = pd.DataFrame({"image": [0], "prompt": [0]})
    with pytest.raises(InputError) as error:
        group_pairs(pairs, prompts_of([0, 1, 2]), GROUP_PROMPTS, str(path))
    for words in message:
        assert words in str(error.value)


# --- the config


GROUPS = {"prompts": "kinds", "of": [0, 1, 1, 1, 0, 0]}
KINDS = {"classes": ["round", "angular", "spotted"], "templates": ["a {} thing", "{}"]}
CHOICE = {"samples": 4, "keep": 2}


@pytest.fixture
def config(root, tmp_path, monkeypatch):
    """A config with groups of shapes, which the evaluation `staged` compares first."""
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((root / "tests" / "tiny_scenes.yaml").read_text(encoding="utf-8"))
    config["prompts"]["kinds"] = copy.deepcopy(KINDS)
    config["prompts"]["shapes"]["groups"] = copy.deepcopy(GROUPS)
    config["evaluations"]["staged"]["hierarchy"] = dict(CHOICE)
    return config


def test_a_hierarchy_passes(config, root, tmp_path):
    check_config(config, root)  # sizes have no groups, so the stages start with all classes
    lines = "".join(f"{index},{index // 3}\n" for index in range(6))
    (tmp_path / "groups.csv").write_text(f"classidx,group\n{lines}", encoding="utf-8")
    config["prompts"]["shapes"]["groups"]["of"] = "groups.csv"
    (tmp_path / "kinds.csv").write_text("prompt,classname,classidx\na,a,0\nb,b,1\nc,c,2\n")
    config["prompts"]["kinds"] = {"file": "kinds.csv"}
    check_config(config, root)


OF = "prompts/shapes/groups/of"
BAD = {
    "too few": (OF, [0, 1, 0, 1, 0], ["groups.of: ", "no group of the class 5", "0 to 5", "add"]),
    "too many": (OF, [0] * 7, ["groups.of: ", "a group of the class 6", "0 to 5", "remove it"]),
    "no such group": (OF, [0, 1, 2, 3, 0, 1], ["groups.of: ", "group 3 of the class 3", "0 to 2"]),
    "no such file": (OF, "g.csv", ["groups.of (g.csv): ", "No such file", "classidx,group"]),
    "names": (OF, ["round"] * 6, ["prompts.shapes.groups.of.", "'round'", "a whole number"]),
    "no such prompts": (
        "prompts/shapes/groups/prompts",
        "kind",
        ["prompts.shapes.groups.prompts: ", "`kind`", "did you mean `kinds`?"],
    ),
    "its own prompts": (
        "prompts/shapes/groups/prompts",
        "shapes",
        ["prompts.shapes.groups.prompts: ", "other set of prompts `shapes`", "`kinds`"],
    ),
    "captions for groups": (
        "prompts/shapes/groups/prompts",
        "winoground",
        ["prompts.shapes.groups.prompts: ", "`winoground`", "`classes` or a `file`", "choose"],
    ),
    "groups of captions": (
        "prompts/winoground/groups",
        GROUPS,
        ["prompts.winoground.groups: ", "captions of `winoground`", "no classes", "leave it out"],
    ),
    "uneven samples": (
        "evaluations/staged/hierarchy/samples",
        3,
        ["evaluations.staged.hierarchy.samples: ", "found 3", "divisor of 1000", "choose one"],
    ),
    "too many samples": (
        "evaluations/staged/hierarchy/samples",
        25,
        ["hierarchy.samples: ", "found 25", "the noise bank has 20", "`noise: size`"],
    ),
    "all groups": (
        "evaluations/staged/hierarchy/keep",
        3,
        ["evaluations.staged.hierarchy.keep: ", "found 3", "less than 3", "`shapes`", "lower it"],
    ),
    "no groups": (
        "evaluations/staged/hierarchy/keep",
        0,
        ["evaluations.staged.hierarchy.keep: ", "found 0", "at least 1"],
    ),
    "in curves": (
        "evaluations/exhaustive/hierarchy",
        CHOICE,
        ["curves.evaluation: ", "`exhaustive` with a `hierarchy`", "all classes"],
    ),
}


def put(config, path, value):
    *parents, last = path.split("/")
    for key in parents:
        config = config[key]
    config[last] = value


@pytest.mark.parametrize(("path", "value", "message"), BAD.values(), ids=BAD)
def test_bad_hierarchies_are_refused(config, root, path, value, message):
    put(config, path, value)
    refused_config(config, root, *message)


def test_a_hierarchy_needs_groups(config, root):
    del config["prompts"]["shapes"]["groups"]
    message = ["evaluations.staged.hierarchy: ", "shapes, sizes", "`groups`", "leave it out"]
    refused_config(config, root, *message)


def test_a_class_conditional_model_knows_no_groups(config, root):
    shipped = str(root / "resources" / "models" / "digits-dit")
    config["models"]["dit"] = config["models"]["sd"] | {"family": "dit", "weights": shipped}
    del config["models"]["dit"]["training"]
    config["evaluations"]["staged"]["model"] = "dit"
    refused_config(
        config, root, "evaluations.staged.hierarchy: ", "`dit`", "class indices", "leave it"
    )


# --- what it costs


def test_groups_cost_evaluations_and_jobs_and_save_others(config):
    def staged(dataset):
        costs = estimate(config)
        return next(c for c in costs if (c.method, c.dataset) == ("staged", dataset))

    # three groups of two prompts, then two thirds of the classes, of two prompts each
    assert staged("shapes").per_image == 3 * 2 * 4 + 2 * (4 * 2 + 3 * 4)
    assert staged("shapes").jobs == 3 * 2 * 2  # of two stages, and that of the groups
    assert staged("sizes").per_image == 2 * 2 + 2 * 4 and staged("sizes").jobs == 2 * 2
    config["evaluations"]["staged"]["prior"] = {"method": "clip", "keep": 2}
    assert staged("shapes").per_image == 2 * 2 * 4 + 2 * (2 * 2 + 2 * 4)


# --- what it leaves to a race


def test_a_class_that_is_alone_from_the_start_is_measured_all_the_same():
    """For example if the best group has one class: the prediction needs a score."""
    pairs = pd.DataFrame({"image": [0, 1], "prompt": [2, 0]})
    values = np.random.default_rng(0).random((2, 10), "float32")

    def measure(asked, samples):
        noises = [sample.noise for sample in samples]
        return {"l2": values[asked["image"]][:, noises]} if len(asked) else {}

    samples = [Sample(t, t) for t in range(10)]
    found = race(measure, pairs, samples, np.array(CLASS_OF), Gap(2.0), minimum=3)["l2"]
    np.testing.assert_array_equal(found[:, :3], values[:, :3])
    assert np.isnan(found[:, 3:]).all()
