"""Data sets in CLIP_benchmark's webdataset form: against a folder, and against `datasets`."""

from pathlib import Path

import pytest
from extended import check as check_whole
from extended import config
from hub_cache import SHA, error_of, hf, snapshot
from webdataset_trees import (
    SHAPES,
    TEMPLATES,
    scenes,
    write_archive,
    write_scenes,
    write_texts,
    write_tree,
)

from diffusion_classifier.config.image_counts import candidate_counts
from diffusion_classifier.data.prompt_sets import from_class_texts, from_templates
from diffusion_classifier.data.sources.image_source import decode, labels
from diffusion_classifier.data.sources.opening import dataset, open_source
from diffusion_classifier.data.sources.registry import input_files, source
from diffusion_classifier.data.sources.sizes import class_count, expected_size
from diffusion_classifier.data.webdataset.class_texts import read_class_texts
from diffusion_classifier.data.webdataset.clip_benchmark_sets import BENCHMARK_SETS, benchmark_set
from diffusion_classifier.data.webdataset.tar_files import samples
from diffusion_classifier.messages import InputError
from plan import Plan

pytestmark = pytest.mark.usefixtures("alone")

CLIP = Path(__file__).parents[1] / "resources" / "models" / "scenes-clip"


@pytest.fixture
def tree(tmp_path):
    return write_scenes(tmp_path / "wds")


def same_folder(tmp_path):
    """The same images as a folder with a table of labels."""
    folder = tmp_path / "folder"
    folder.mkdir()
    rows = ["file_name,label,classname"]
    for index, (data, label) in enumerate(zip(scenes()["bytes"], scenes()["label"], strict=True)):
        (folder / f"{index}.png").write_bytes(data)
        rows.append(f"{index}.png,{label},{SHAPES[label]}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return {"source": "folder", "path": str(folder), "metadata": "labels.csv"}


def test_predictions_are_those_from_a_folder_of_the_same_images(tree, tmp_path):
    import torch

    from diffusion_classifier.baselines import clip

    network = clip.load(str(CLIP), torch.device("cpu"), torch.float32)
    found = dataset(tree)
    other = dataset(same_folder(tmp_path))
    assert found["bytes"].tolist() == other["bytes"].tolist()
    assert found["classname"].tolist() == [SHAPES[label] for label in other["label"]]
    beside = from_class_texts(read_class_texts(Path(tree["root"])))
    written = from_templates(SHAPES, ["a {}", "a photo of a {}."])
    predictions = [
        (
            network.embed_images(map(decode, table["bytes"]), batch=30)
            @ network.embed_texts(list(prompts["prompt"]), batch=20).T
        ).argmax(dim=1)
        for table, prompts in ((found, beside), (other, written))
    ]
    assert predictions[0].tolist() == predictions[1].tolist()
    right = beside["classidx"].to_numpy()[predictions[0].numpy()] == found["label"]
    assert right.mean() > 0.5  # chance is 1/6


def test_samples_are_those_that_datasets_reads(tree):
    files = [str(Path(tree["root"]) / "test" / f"{shard}.tar") for shard in range(2)]
    rows = hf.load_dataset("webdataset", data_files={"test": files}, split="test")
    rows = rows.cast_column("png", hf.Image(decode=False))
    images = open_source(tree)
    assert len(images) == len(rows) == 30
    assert labels(images).tolist() == rows["cls"] == scenes()["label"].tolist()
    for index, row in enumerate(rows):
        assert images.encoded(index) == row["png"]["bytes"]
        assert images.source(index).endswith(f".tar/{row['__key__']}.png")
    assert images.source(29) == "test/1.tar/s0000029.png"


def test_names_of_samples_are_those_that_datasets_finds(tmp_path):
    """Folders, several dots, hidden files and names without an ending; capitals as `webdataset`."""
    names = ["a/x.y/s.one.png", "a/x.y/s.cls", "a/t.PNG", "a/t.cls", ".hidden.cls", "README"]
    path = tmp_path / "0.tar"
    write_archive(path, {name: b"7" for name in names})
    from datasets.packaged_modules.webdataset.webdataset import base_plus_ext

    theirs = {}
    for name in names:
        key, ending = base_plus_ext(name)
        if key is not None:
            theirs.setdefault(key, set()).add(ending.lower())
    ours = {key: set(found) for key, found in samples(path, "0.tar").items()}
    assert ours == theirs == {"a/x.y/s": {"one.png", "cls"}, "a/t": {"png", "cls"}}


def test_limits_and_splits(tree):
    assert len(dataset(tree | {"limit": 6})) == 6
    chosen = dataset(tree | {"indices": [29, 3]})
    assert chosen["bytes"].tolist() == scenes()["bytes"].iloc[[29, 3]].tolist()
    message = error_of(tree | {"split": "train"})
    assert "train/nshards.txt: found no such file" in message and "`split`" in message


def test_the_files_of_a_tree_are_inputs_and_its_classes_are_counted(tree):
    root = Path(tree["root"])
    assert input_files(tree) == [
        str(root / name)
        for name in ("classnames.txt", "test/nshards.txt", "test/0.tar", "test/1.tar")
    ]
    assert class_count(tree) == 6
    assert class_count({"source": "webdataset", "root": "nowhere"}) is None
    assert input_files({"source": "webdataset", "clip_benchmark": "pcam"}) == []


def test_a_benchmark_from_the_hubs_cache(tmp_path):
    folder = snapshot(tmp_path, "clip-benchmark/wds_vtab-cifar10")
    write_tree(folder, scenes()["bytes"], scenes()["label"], SHAPES)
    spec = {"source": "webdataset", "clip_benchmark": "cifar10", "revision": SHA}
    found = dataset(spec)
    assert found["bytes"].tolist() == scenes()["bytes"].tolist()
    assert found["source"].iloc[0] == (
        "clip-benchmark/wds_vtab-cifar10@0b27149/test/0.tar/s0000000.png"
    )
    named = {**spec, "dataset": "clip-benchmark/wds_vtab-cifar10"}
    del named["clip_benchmark"]
    assert dataset(named).equals(found)
    for entry in (spec, named):
        assert class_count(entry) == 10 and expected_size(entry) == 10_000
    assert expected_size(spec | {"split": "train"}) is None
    from diffusion_classifier.data.sources.webdataset import text_folder

    assert read_class_texts(text_folder(spec)).templates == TEMPLATES


def test_what_is_not_cached_is_fetched_by_a_command():
    message = error_of({"source": "webdataset", "clip_benchmark": "pcam"})
    assert "hf download clip-benchmark/wds_vtab-pcam" in message
    assert "502695fe1a141108650e3c5b91c8b5e0ff84ed49" in message


def test_every_spelling_of_a_name():
    for name in ("dmlab", "vtab/dmlab", "vtab-dmlab", "wds/vtab/dmlab", "wds_vtab-dmlab"):
        assert benchmark_set(name, "x").dataset == "clip-benchmark/wds_vtab-dmlab"
    assert benchmark_set("imagenet-r", "x").dataset == "clip-benchmark/wds_imagenet-r"
    assert len(BENCHMARK_SETS) == 37
    with pytest.raises(InputError, match=r"did you mean `cifar10`\?"):
        benchmark_set("cifar-10", "datasets.c.benchmark")
    with pytest.raises(InputError, match="captions and no classes"):
        benchmark_set("wds/flickr30k", "datasets.c.benchmark")


def check(spec):
    source("webdataset").check("datasets.c", spec)


def test_exactly_one_place_and_a_revision():
    check({"root": "somewhere"})
    check({"clip_benchmark": "pcam"})
    check({"clip_benchmark": "cifar10", "revision": SHA})
    for spec, message in (
        ({}, "found no place, expected exactly one of `root`, `dataset` and `clip_benchmark`"),
        ({"root": "a", "clip_benchmark": "pcam"}, "found `root` and `clip_benchmark`"),
        ({"root": "a", "revision": SHA}, r"datasets.c.revision: .* beside `root`"),
        ({"clip_benchmark": "cifar10"}, "no `revision` of clip-benchmark/wds_vtab-cifar10"),
        ({"dataset": "owner/wds_mine"}, "no `revision` of owner/wds_mine"),
    ):
        with pytest.raises(InputError, match=message):
            check(spec)


# --- texts


def test_texts_of_a_class_without_words(tmp_path):
    """As in clip-benchmark/wds_vtab-clevr_closest_object_distance, whose fourth line is empty."""
    write_texts(tmp_path, ["very nearby", "nearby", "near", "", "distant"], ["{c} shapes."] * 2)
    prompts = from_class_texts(read_class_texts(tmp_path))
    assert prompts["prompt"].tolist() == [
        *("very nearby shapes.", "nearby shapes.", "near shapes.", "shapes.", "distant shapes.")
    ]
    assert prompts["classname"][3] == "class 3"
    with pytest.raises(InputError, match="an empty prompt of class 3"):
        from_class_texts(read_class_texts(tmp_path), ["{}"])


def test_own_templates_replace_those_beside(tmp_path):
    write_texts(tmp_path, ["cat", "dog"], ["no slot"])
    with pytest.raises(InputError, match=r"templates.txt: found 'no slot', expected {c}"):
        read_class_texts(tmp_path)
    texts = read_class_texts(tmp_path, templates=False)
    assert from_class_texts(texts, ["one {}"])["prompt"].tolist() == ["one cat", "one dog"]
    (tmp_path / "classnames.txt").write_text("cat\n")
    with pytest.raises(InputError, match=r"classnames.txt: found 1 class, expected"):
        read_class_texts(tmp_path, templates=False)
    (tmp_path / "classnames.txt").unlink()
    with pytest.raises(InputError, match=r"classnames.txt: cannot be read \(No such file"):
        read_class_texts(tmp_path)


def with_tree(tree, prompts=None):
    """A config with a data set in `tree`, and prompts of its texts."""
    entry = tree | {"label": "Shapes", "prompts": "beside"}
    whole = config()
    return check_whole(
        prompts=whole["prompts"] | {"beside": {"webdataset": "wds", **(prompts or {})}},
        datasets=whole["datasets"] | {"wds": entry},
    )


def test_a_config_with_texts_beside_a_tree(tree):
    root = Path(tree["root"])
    plan = Plan(with_tree(tree), root)
    place = {key: value for key, value in tree.items() if key != "source"}
    assert plan.data.prompts_spec("beside") == {"webdataset": place}
    texts = [str(root / "classnames.txt"), str(root / "zeroshot_classification_templates.txt")]
    assert plan.data.prompts_source("beside") == texts
    assert plan.data.sources("wds") == input_files(tree)
    assert candidate_counts(plan.config, "wds") == (6, 2)
    (root / "zeroshot_classification_templates.txt").unlink()
    with pytest.raises(InputError, match=r"prompts.beside.webdataset: .*templates.txt: cannot be"):
        with_tree(tree)
    plan = Plan(with_tree(tree, {"templates": ["a {}"]}), root)
    assert plan.data.prompts_source("beside") == texts[:1]
    assert candidate_counts(plan.config, "wds") == (6, 1)
    (root / "test" / "1.tar").unlink()
    with pytest.raises(InputError, match=r"datasets.wds.root: .*nshards.txt: found the number 2"):
        plan.data.sources("wds")


def test_prompts_of_no_webdataset(tree):
    with pytest.raises(InputError, match=r"prompts.beside.webdataset: .*`source: webdataset` `mn"):
        with_tree(tree, {"webdataset": "mnist"})
