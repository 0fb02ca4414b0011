"""Any kind of baseline through the same three verbs: its predictions are those of its parts."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from classical_answers import fit_predict

from diffusion_classifier import files
from diffusion_classifier.baselines import chance, clip, features, pretrained
from diffusion_classifier.baselines import small_networks as networks
from diffusion_classifier.baselines.answers import Question, fit, predict
from diffusion_classifier.baselines.baseline import Setting
from diffusion_classifier.baselines.registry import BASELINES, baseline
from diffusion_classifier.data.preprocess import Preprocess, pixels
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.messages import InputError
from diffusion_classifier.training.augment import Augmentation
from diffusion_classifier.training.loop import Optimisation

CPU, FLOAT = torch.device("cpu"), torch.float32
FORM = {"mode": "L", "size": 28}
FORMS = {"preprocess": FORM}
PROMPTS = pd.DataFrame(
    [(f"a red {n}", str(n), n, 9 - n) for n in range(10)],
    columns=["prompt", "classname", "classidx", "condition"],
)
SETS = {"train": ("train", 120), "validation": ("train", 40), "test": ("test", 30)}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The files of three sets of digits and of their prompts, and the sets."""
    folder = tmp_path_factory.mktemp("digits")
    tables = {
        name: dataset({"source": "mnist", "split": split, "limit": limit})
        for name, (split, limit) in SETS.items()
    }
    for name, table in tables.items():
        files.write_parquet(table, folder / f"{name}.parquet")
    PROMPTS.to_csv(folder / "prompts.csv", index=False)
    paths = {name: str(folder / f"{name}.parquet") for name in SETS}
    return paths | {"prompts": str(folder / "prompts.csv")}, tables


def setting(kind, **others):
    return Setting({"kind": kind} | others.pop("spec", {}), CPU, FLOAT, **others)


def answered(own, question):
    (table,) = predict(baseline(own.spec["kind"]), own, [question])
    assert list(table) == [
        *("image", "label", "loss", "prediction", "evaluations", "seconds", "scores")
    ]
    return table["prediction"].to_numpy(), np.stack(table["scores"])


def same(found, expected):
    (labels, scores), (their_labels, their_scores) = found, expected
    np.testing.assert_array_equal(labels, their_labels)
    # sums depend in the last bit on where an array lies in memory
    np.testing.assert_allclose(scores, their_scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["logistic_regression", "k_nearest"])
def test_classifiers_of_pixels_are_fitted_in_the_job(digits, kind):
    paths, tables = digits
    own = setting(kind, spec={"params": {"n_neighbors": 5} if kind[0] == "k" else {}, **FORMS})
    learned = {"task": "digits", "train": paths["train"]}
    asked = [Question(paths[name], paths["prompts"], **learned) for name in ("test", "train")]
    images = {name: pixels(tables[name], Preprocess(**FORM)) for name in ("test", "train")}
    labels = tables["train"]["label"].to_numpy()
    expected = fit_predict(kind, own.spec["params"], images["train"], labels, images)
    for table, name in zip(predict(baseline(kind), own, asked), images, strict=True):
        same((table["prediction"], np.stack(table["scores"])), expected[name])
        assert table["label"].tolist() == tables[name]["label"].tolist()
        assert (table["evaluations"] == 1).all() and (table["seconds"] > 0).all()


@pytest.mark.parametrize("kind", ["resnet", "vit"])
def test_networks_are_kept(digits, tmp_path, kind):
    paths, tables = digits
    budget = {"steps": 3, "batch_size": 16, "learning_rate": 0.003, "warmup": 1, "ema": 0}
    spec = {"params": {"width": 8}, "optimisation": budget, **FORMS}
    own = setting(kind, spec=spec, seed=3)
    question = Question(paths["test"], paths["prompts"], "digits", train=paths["train"])
    fit(baseline(kind), own, question).save(tmp_path)
    images = {name: pixels(table, Preprocess(**FORM)) for name, table in tables.items()}
    labels = torch.tensor(tables["train"]["label"].tolist())
    network, _ = networks.train(
        *(kind, spec["params"], images["train"], labels),
        *(Optimisation(**budget, seed=3), Augmentation()),
    )
    kept = dataclasses.replace(question, train=None, fitted=str(tmp_path))
    same(answered(own, kept), networks.predict(network, images["test"]))


def test_guesses_cost_nothing(digits):
    paths, tables = digits
    own = setting("chance", seed=4)
    (table,) = predict(baseline("chance"), own, [Question(paths["test"], paths["prompts"])])
    same((table["prediction"], np.stack(table["scores"])), chance.guess(tables["test"], 10, seed=4))
    assert (table["evaluations"] == 0).all() and (table["seconds"] == 0).all()


@pytest.mark.parametrize("combine", [None, "best"])
def test_a_clip_reads_the_prompts(digits, stored, combine):
    paths, tables = digits
    folder = str(stored("open_clip vit"))
    own = setting("clip", spec={"combine": combine} if combine else {}, folder=folder)
    model = clip.load(folder, CPU, FLOAT)
    texts = model.embed_texts(PROMPTS["prompt"])
    images = model.embed_images(map(decode, tables["test"]["bytes"]))
    expected = clip.classify(images, texts, np.arange(10), model.scale, combine or "mean")
    same(answered(own, Question(paths["test"], paths["prompts"])), expected)


def test_a_pretrained_network_knows_classes_by_their_condition(digits, stored):
    paths, tables = digits
    own = setting("pretrained", folder=str(stored("timm")))
    network = pretrained.load(own.folder, CPU, FLOAT)
    logits = network.logits(map(decode, tables["test"]["bytes"]))
    expected = pretrained.predict(logits, 9 - np.arange(10), np.arange(10))
    same(answered(own, Question(paths["test"], paths["prompts"])), expected)


def test_a_probe_looks_at_latents(digits, stored, tmp_path):
    paths, tables = digits
    folder, form = str(stored("sd")), {"size": 16}
    layers, timesteps = ["mid_block", "up_blocks.0"], [20, 90]
    spec = {"layers": layers, "timesteps": timesteps, "params": {"C": 0.5}}
    own = setting("probe", spec=spec, folder=folder, model={"preprocess": form}, noise_seed=2)
    sets = {name: paths[name] for name in ("train", "validation")}
    question = Question(paths["test"], paths["prompts"], "digits", **sets)
    fit(baseline("probe"), own, question).save(tmp_path)
    kept = Question(paths["test"], paths["prompts"], "digits", fitted=str(tmp_path))
    latents, found = {}, {}
    for name, table in tables.items():
        images = map(decode, table["bytes"])
        latents[name] = encode_images(folder, Preprocess(**form), images, CPU, FLOAT)
        asked = (latents[name], timesteps, layers, CPU, FLOAT, 2)
        found[name] = features.unet_features(folder, *asked)
    labels = [tables[name]["label"].to_numpy() for name in ("train", "validation")]
    probe = features.fit_probe(found["train"], labels[0], found["validation"], labels[1], C=0.5)
    expected = probe.predict(found["test"], 10)
    for one in (kept, dataclasses.replace(kept, latents=shards(latents["test"], tmp_path))):
        ours, scores = answered(own, one)
        np.testing.assert_array_equal(ours, expected[0])
        np.testing.assert_allclose(scores, expected[1], rtol=1e-4, atol=1e-4)
    assert baseline("probe").passes(spec) == (2, 1)


def shards(latents, folder):
    """The files of two shards of latents."""
    paths = []
    for part, numbers in zip(latents.split(20), torch.arange(len(latents)).split(20), strict=True):
        paths.append(str(folder / f"{len(paths)}.safetensors"))
        files.write_tensors({"latents": part.clone(), "image": numbers.clone()}, paths[-1])
    return paths


def test_labels_that_the_prompts_do_not_name_are_said(digits, tmp_path):
    paths, _ = digits
    PROMPTS[:5].to_csv(tmp_path / "few.csv", index=False)
    question = Question(paths["test"], str(tmp_path / "few.csv"), "few", train=paths["train"])
    with pytest.raises(InputError, match="train"):
        fit(baseline("k_nearest"), setting("k_nearest", spec={"params": {}, **FORMS}), question)


def test_every_kind_is_tested_here():
    assert set(BASELINES) == {
        *("logistic_regression", "k_nearest", "resnet", "vit", "chance"),
        *("clip", "pretrained", "probe"),
        "gaussian",  # in test_gaussian.py
    }
