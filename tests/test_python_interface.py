"""The Python interface: called like transformers' pipeline, on everything that holds an image."""

import doctest
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset
from datasets import Image as ImageFeature
from PIL import Image
from tiny_dit import grey_images, tiny_engine
from transformers import pipeline

from diffusion_classifier import DiffusionClassifier
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError

SHAPES = ["circle", "square", "triangle", "cross", "ring", "heart"]


@pytest.fixture(scope="module", autouse=True)
def at_root(root):
    """Docstrings name files of the project, relative to its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        yield


@pytest.fixture(scope="module")
def shapes():
    return DiffusionClassifier.from_pretrained("resources/models/scenes-sd", progress=False)


@pytest.fixture(scope="module")
def digits(dit):
    return DiffusionClassifier.from_pretrained(dit, device="cpu", progress=False, stages=10)


def clip():
    return pipeline("zero-shot-image-classification", model="resources/models/scenes-clip")


def use(classifier):
    """Code that somebody wrote for CLIP."""
    path = "resources/examples/shapes/heart/0.png"
    asked = {"candidate_labels": SHAPES, "hypothesis_template": "a {}"}
    single = classifier(path, **asked)
    paths = [f"resources/examples/shapes/{name}/1.png" for name in SHAPES]
    several = classifier(paths, **asked)
    opened = classifier(image=[Image.open(path)], **asked)
    assert [set(entry) for entry in single] == [{"score", "label"}] * 6
    assert [len(answer) for answer in several] == [6] * 6
    assert opened[0] == single or opened[0][0]["label"] == single[0]["label"]
    for answer in (single, *several):
        scores = [entry["score"] for entry in answer]
        assert all(type(score) is float for score in scores)
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) == pytest.approx(1)
        assert sorted(entry["label"] for entry in answer) == sorted(SHAPES)
    return single[0]["label"], [answer[0]["label"] for answer in several]


def test_code_for_clip_runs_with_a_diffusion_classifier(shapes):
    assert use(clip()) == ("heart", SHAPES)
    assert use(shapes) == ("heart", SHAPES)


@pytest.fixture(scope="module")
def address(root):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Print nothing."""

    folder = root / "resources/examples/shapes/ring"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_every_kind_of_image_has_the_same_answer(shapes, address):
    path = Path("resources/examples/shapes/ring/0.png")
    asked = {"candidate_labels": ["ring", "cross"], "hypothesis_template": "a {}", "stages": 10}
    expected = shapes(str(path), **asked)
    opened = Image.open(path)
    column = Dataset.from_dict({"image": [str(path)] * 2}).cast_column("image", ImageFeature())
    for single in (
        path,
        opened,
        np.asarray(opened),
        {"bytes": path.read_bytes(), "path": None},
        {"bytes": None, "path": str(path)},
        f"{address}/0.png",
    ):
        assert shapes(single, **asked) == expected
    for several in (
        [path, opened],
        (opened, str(path)),
        (image for image in [path, path]),
        column["image"],
        column[:]["image"],
    ):
        found = shapes(several, **asked)
        assert [[entry["label"] for entry in answer] for answer in found] == [["ring", "cross"]] * 2
        scores = [answer[0]["score"] for answer in found]
        assert scores == pytest.approx([expected[0]["score"]] * 2)
    with pytest.raises(InputError, match=r"none.png: cannot be fetched"):
        shapes(f"{address}/none.png", **asked)


def test_labels_of_a_class_conditional_model_are_its_own(digits):
    image = grey_images()[0]
    assert digits.id2label == {n: str(n) for n in range(4)}
    every = {entry["label"]: entry["score"] for entry in digits(image, race=0)}
    assert set(every) == set("0123")
    two = {entry["label"]: entry["score"] for entry in digits(image, ["3", "1"], race=0)}
    assert two["3"] / two["1"] == pytest.approx(every["3"] / every["1"])
    proba = digits.predict_proba([image], ["3", "1"], race=0)
    np.testing.assert_allclose(proba, [[two["3"], two["1"]]])
    assert digits.predict([image], ["3", "1"], race=0) == [max(two, key=two.get)]


def test_errors_are_the_engines(dit, digits):
    engine, pairs, _ = tiny_engine(dit)
    images = [Image.fromarray(np.full((8, 8), 10 * n, np.uint8)) for n in range(5)]
    engine.latents = digits.model.latents(images)
    engine.noise = noise_bank((1, 8, 8), 2, seed=4)
    expected = engine.errors(pairs, [Sample(200, 0), Sample(700, 1)])
    found = digits.errors(images, ["0", "1", "2", "3"], [200, 700], seed=4)
    assert dict(found.sizes) == {"image": 5, "prompt": 4, "sample": 2}
    assert found["timestep"].values.tolist() == [200, 700]
    for loss, values in expected.items():
        np.testing.assert_allclose(found[loss].values.reshape(20, 2), values, rtol=1e-4)


def test_a_prior_is_bayes_rule(digits):
    image = grey_images()[1]
    flat = digits.predict_proba([image])[0]
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    expected = flat * weights / (flat * weights).sum()
    np.testing.assert_allclose(digits.predict_proba([image], prior=weights)[0], expected, 1e-6)


def test_what_was_fitted_can_be_saved_and_loaded(dit, digits, tmp_path):
    images = grey_images()
    fitted = DiffusionClassifier.from_pretrained(dit, device="cpu", progress=False)
    fitted.fit_calibration(images, ["0", 1, "3"])
    expected = fitted.predict_proba(images)
    fitted.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}
    again = DiffusionClassifier.from_pretrained(dit, device="cpu", progress=False).load(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(images), expected)
    assert again.fitted.calibration == fitted.fitted.calibration
    with pytest.raises(InputError, match="found nothing fitted"):
        digits.save(tmp_path)
    (tmp_path / "calibration.json").write_text('{"losses": []}')
    with pytest.raises(InputError, match="cannot be read"):
        again.load(tmp_path)


def test_another_models_calibration_is_refused(dit, shapes, tmp_path):
    fitted = DiffusionClassifier.from_pretrained(dit, device="cpu", progress=False)
    fitted.fit_calibration(grey_images(), [0, 1, 2]).save(tmp_path)
    with pytest.raises(InputError, match=r"a model of latents \(1, 8, 8\)"):
        shapes.load(tmp_path)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"candidate_labels": ["a", "b"]}, "found 'a', expected one of the model's 4 classes"),
        ({"candidate_labels": ["1"]}, "found 1 label"),
        ({"candidate_labels": ["1", "1"]}, "found '1' twice"),
        ({"images": 3}, "images: found int, expected a PIL image"),
        ({"images": []}, "images: found none"),
        ({"images": [None]}, r"images\[0\]: found NoneType"),
        ({"images": np.zeros((2, 2))}, "found an array of float64"),
        ({"images": "none.png"}, "none.png: cannot be read"),
        ({"losses": "l2"}, "did you mean `loss`"),
        ({"loss": "l3"}, "the unknown loss `l3`"),
        ({"race": -1}, "race: found -1, expected a number above 0"),
        ({"race": {"z": 2, "minimum": 1}}, "at least 2 samples"),
        ({"stages": {"samples": [5, 25], "keep": [1]}}, "keep: found 1 entries"),
        ({"stages": {"sample": [5]}}, "did you mean `samples`"),
        ({"stages": 7}, "7 evenly spaced timesteps do not divide"),
        ({"prior": [1.0]}, "prior: found"),
    ],
)
def test_a_mistake_is_one_line(digits, asked, expected):
    with pytest.raises(InputError, match=expected) as error:
        digits(**{"images": grey_images()[0]} | asked)
    assert "\n" not in str(error.value)


def test_a_model_that_reads_text_needs_labels(shapes):
    with pytest.raises(InputError, match="candidate_labels: found none"):
        shapes("resources/examples/shapes/ring/0.png")
    with pytest.raises(InputError, match=r"expected a text with \{\}"):
        shapes("resources/examples/shapes/ring/0.png", ["a", "b"], "a thing")
    with pytest.raises(InputError, match="guidance: found 3, but the model takes no scale"):
        DiffusionClassifier.from_pretrained("resources/models/scenes-sd", guidance=3)


@pytest.mark.parametrize(
    "module",
    ["cli.classifier", "cli.measuring", "cli.labels", "cli.given_images", "scores.calibration",
     "selection.evidence"],
)  # fmt: skip
def test_examples_in_docstrings_run(module):
    found = doctest.testmod(import_module(f"diffusion_classifier.{module}"))
    assert found.attempted > 0
    assert found.failed == 0


def test_the_package_alone_imports_no_network():
    code = (
        "import sys, diffusion_classifier\n"
        "assert 'DiffusionClassifier' in dir(diffusion_classifier)\n"
        "assert not {'torch', 'pandas', 'diffusers'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
