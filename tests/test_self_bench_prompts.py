"""The shipped prompts of Self-Bench: all of a kind are there, and the script writes them."""

from pathlib import Path

import pytest

from diffusion_classifier.data.prompt_sets import read_prompts

PROMPTS = Path(__file__).resolve().parents[1] / "resources" / "prompts" / "self-bench"


@pytest.fixture(scope="module")
def writer():
    import importlib.util

    spec = importlib.util.spec_from_file_location("write_prompts", PROMPTS / "write_prompts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shipped_prompts_are_those_that_are_written(writer, tmp_path):
    writer.main(tmp_path)
    names = sorted(path.name for path in PROMPTS.glob("*.csv"))
    assert names == sorted(path.name for path in tmp_path.iterdir()) and len(names) == 6
    for name in names:
        assert (PROMPTS / name).read_text() == (tmp_path / name).read_text()
        found = read_prompts(PROMPTS / name)
        assert found["prompt"].is_unique and found["classidx"].tolist() == [*range(len(found))]


def test_objects_are_cocos_and_all_of_a_kind_are_there(writer):
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    named = FasterRCNN_ResNet50_FPN_Weights.DEFAULT.meta["categories"]
    assert [name for name in named if name not in ("__background__", "N/A")] == writer.OBJECTS
    colours, places = list(writer.colors()), list(writer.position())
    for colour in writer.COLOURS:
        assert sum(f" {colour} " in f" {text} " for text in colours) == 10
    for place in writer.POSITIONS:
        assert sum(f" {place} a" in text for text in places) == 25
    numbers = [text.split()[0] for text in writer.counting()]
    assert {number: numbers.count(number) for number in set(numbers)} == dict.fromkeys(
        ("two", "three", "four"), 25
    )
    both = [text.split(" and ") for text in writer.color_attribution()]
    for (x, y), (x_other, y_other) in zip(both[::2], both[1::2], strict=True):
        assert x.split()[2:] == x_other.split()[2:] and y.split()[2:] == y_other.split()[2:]
        assert (x.split()[1], y.split()[1]) == (y_other.split()[1], x_other.split()[1])
