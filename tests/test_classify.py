"""The command that classifies images among prompts, and the ranking it prints."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import DDPMScheduler, DiTTransformer2DModel
from PIL import Image
from scipy.special import softmax
from test_stable_diffusion import save_pipeline
from transformers.utils import logging

from diffusion_classifier.classify import Evaluation, Model, class_labels, classify, ranking
from diffusion_classifier.command_line import main
from diffusion_classifier.command_options import LOSSES
from diffusion_classifier.denoisers import FAMILIES, family
from diffusion_classifier.error_files import error_dataset, losses_in
from diffusion_classifier.errors import Inputs, epsilon_errors
from diffusion_classifier.model_folders import detect_family, input_form
from diffusion_classifier.noise import noise_bank
from diffusion_classifier.preprocess import Preprocess
from diffusion_classifier.prompts import from_templates
from diffusion_classifier.pruning import class_errors, mean_errors, survivors
from diffusion_classifier.schedules import Sample, stage_samples

CPU = torch.device("cpu")
FORM = Preprocess("L", 0, 8)
FOUR = from_templates(["0", "1", "2", "3"], ["{}"])


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """As in a process of its own, where the command sets these before it imports the libraries."""
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # so that they are restored afterwards
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


@pytest.fixture(scope="module")
def dit(tmp_path_factory):
    """The folder of a tiny random DiT of 4 classes on 1 x 8 x 8 pixels."""
    folder = tmp_path_factory.mktemp("dit")
    torch.manual_seed(0)
    model = DiTTransformer2DModel(
        num_layers=1, num_attention_heads=2, attention_head_dim=8, patch_size=4, sample_size=8,
        in_channels=1, out_channels=2, num_embeds_ada_norm=4, norm_num_groups=2,
    )  # fmt: skip
    for weight in model.parameters():  # diffusers starts some layers at zero
        torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder / "transformer")
    DDPMScheduler(beta_schedule="linear").save_pretrained(folder / "scheduler")
    return folder


@pytest.fixture(scope="module")
def sd(tmp_path_factory):
    """The folder of a tiny random Stable Diffusion that reads 8 tokens and 16 x 16 pixels."""
    folder = tmp_path_factory.mktemp("sd")
    save_pipeline(folder, 1, "epsilon")
    return folder


@pytest.fixture(scope="module")
def images():
    values = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    return [Image.fromarray(image) for image in values]


@pytest.fixture(scope="module")
def files(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    paths = [str(folder / f"{number}.png") for number in range(len(images))]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    return paths


def evaluated(folder, images, evaluation, prompts=FOUR):
    model = Model(str(folder), "dit", FORM, CPU, torch.float32)
    return classify(model, images, prompts, evaluation)


def brute_force(folder, image, label, samples, seed):
    """The L2 errors of one image and class, one at a time, by diffusers' own model: `(sample,)`."""
    model = DiTTransformer2DModel.from_pretrained(folder, subfolder="transformer").eval()
    alpha_bar = DDPMScheduler.from_pretrained(folder, subfolder="scheduler").alphas_cumprod
    x0 = torch.from_numpy(np.asarray(image, "float32") / 127.5 - 1)[None, None]
    bank = noise_bank((1, 8, 8), len(samples), seed)
    found = []
    for t, number, _ in samples:
        noise = bank[number][None]
        x_t = alpha_bar[t] ** 0.5 * x0 + (1 - alpha_bar[t]) ** 0.5 * noise
        with torch.no_grad():
            output = model(x_t, torch.tensor([t]), torch.tensor([label])).sample[:, :1]
        found.append((output - noise).square().mean().item())
    return np.array(found)


def test_the_ranking_is_that_of_a_loop_over_diffusers_own_model(dit, images):
    table = evaluated(dit, images, Evaluation([5], [1], seed=3, batch_size=7))
    samples = stage_samples([5])[0]
    for number, image in enumerate(images):
        rows = table[table["image"] == number]
        errors = np.stack([brute_force(dit, image, label, samples, 3) for label in range(4)])
        order = errors.mean(axis=1).argsort()
        assert rows["class"].tolist() == order.tolist()
        assert rows["prompt"].tolist() == [str(label) for label in order]
        assert rows["rank"].tolist() == [1, 2, 3, 4]
        np.testing.assert_allclose(rows["error"], errors.mean(axis=1)[order], rtol=1e-4)
        np.testing.assert_allclose(
            rows["posterior"], softmax(-64 * errors.mean(axis=1)[order]), rtol=1e-3
        )
        differences = errors[order] - errors[order[0]]
        np.testing.assert_allclose(
            rows["standard_error"], differences.std(axis=1, ddof=1) / 5**0.5, rtol=1e-3
        )
        assert (rows["evaluations"] == 20).all()
    assert (table["seconds"] > 0).all()
    assert len(table["seconds"].unique()) == 1  # all images took the same number


def random_stages(seed=0, sizes=(3, 5), kept=2, classes=(0, 1, 2, 4)):
    """Two stages of random errors of 2 images; `kept` classes are in the second."""
    generator = np.random.default_rng(seed)
    class_of = np.array(classes)
    pairs = pd.DataFrame([(i, p) for i in (0, 1) for p in range(len(classes))])
    pairs.columns = ["image", "prompt"]
    stages, start = [], 0
    for size in sizes:
        samples = [Sample(100 * n, n) for n in range(start, start + size)]
        values = generator.normal(1, 0.05, (len(pairs), size)).astype("float32")
        stages.append(error_dataset({"l2": values}, pairs, samples, {"seconds": 1.0}))
        pairs = survivors(stages, pairs, class_of, kept, "l2")
        start += size
    return stages, class_of


def looked_up(stages, image, prompt):
    """The errors of one pair over all stages it was in."""
    found = [
        stage["l2"].values[(stage["image"].values == image) & (stage["prompt"].values == prompt)]
        for stage in stages
    ]
    return np.concatenate([row.ravel() for row in found]).astype("float64")


def test_the_posterior_is_the_softmax_of_the_error_over_all_dimensions():
    """Two classes: p = 1 / (1 + exp(-D · difference)), a logistic function."""
    pairs = pd.DataFrame({"image": [0, 0], "prompt": [0, 1]})
    values = {"l2": np.array([[0.5, 0.7], [0.25, 0.75]])}
    stage = error_dataset(values, pairs, [Sample(0, 0), Sample(1, 1)], {"seconds": 1.0})
    table = ranking([stage], np.array([0, 1]), "l2", dimensions=10)
    assert table["class"].tolist() == [1, 0]
    assert table["posterior"][0] == pytest.approx(1 / (1 + np.exp(-10 * 0.1)))
    assert table["difference"].tolist() == pytest.approx([0, 0.1])
    assert table["standard_error"].tolist() == pytest.approx([0, 0.15])  # of 0.25 and -0.05


def test_posteriors_add_up_to_one_and_do_not_overflow():
    stages, class_of = random_stages()
    for dimensions in (1, 64, 10**9):
        table = ranking(stages, class_of, "l2", dimensions)
        assert table.groupby("image")["posterior"].sum().tolist() == pytest.approx([1, 1])
        assert table["posterior"].between(0, 1).all()


def test_differences_and_their_standard_errors_are_numpys_over_shared_samples():
    stages, class_of = random_stages()
    table = ranking(stages, class_of, "l2", 10)
    assert table.groupby("image")["samples"].apply(list).tolist() == [[8, 8, 3, 3]] * 2
    for _, rows in table.groupby("image"):
        of_prompt = {label: number for number, label in enumerate(class_of)}
        errors = {
            row["class"]: looked_up(stages, row["image"], of_prompt[row["class"]])
            for _, row in rows.iterrows()
        }
        best = errors[rows["class"].iloc[0]]
        for _, row in rows.iloc[1:].iterrows():
            own = errors[row["class"]]
            paired = own - best[: len(own)]
            assert row["error"] == pytest.approx(own.mean())
            assert row["difference"] == pytest.approx(paired.mean())
            expected = np.std(paired, ddof=1) / np.sqrt(len(paired))
            assert row["standard_error"] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_the_survivor_of_pruning_is_on_top_and_no_difference_is_negative(seed):
    """The pruned may have a lower mean: it is of other timesteps."""
    stages, class_of = random_stages(seed, sizes=(2, 6))
    everything = pd.DataFrame(
        {"image": stages[-1]["image"].values, "prompt": stages[-1]["prompt"].values}
    )
    left = survivors(stages, everything, class_of, 1, "l2").set_index("image")["prompt"]
    table = ranking(stages, class_of, "l2", 10)
    best = table[table["rank"] == 1].set_index("image")["class"]
    assert best.to_dict() == {image: class_of[prompt] for image, prompt in left.items()}
    assert (table["difference"] >= 0).all()


def test_one_sample_has_no_standard_error():
    stages, class_of = random_stages(sizes=(1,))
    assert ranking(stages, class_of, "l2", 10)["standard_error"].isna().all()


def test_pruning_measures_less_and_keeps_the_workflows_decision(dit, images):
    evaluation = Evaluation([2, 10], [2, 1], batch_size=16)
    table = evaluated(dit, images, evaluation)
    schedule = stage_samples([2, 10])
    expected = 4 * len(schedule[0]) + 2 * len(schedule[1])
    assert (table["evaluations"] == expected).all()
    adapter = family("dit")
    inputs = Inputs(
        torch.stack([FORM(image) for image in images]),
        torch.arange(3),
        adapter.encode_prompts(str(dit), FOUR, CPU, torch.float32),
        noise_bank((1, 8, 8), 20, 0),
    )
    denoiser = adapter.load(str(dit), CPU, torch.float32)
    pairs = pd.DataFrame([(i, p) for i in range(3) for p in range(4)], columns=["image", "prompt"])
    stages, class_of = [], FOUR["classidx"].to_numpy()
    for samples, keep in zip(schedule, [2, 1], strict=True):
        errors = epsilon_errors(denoiser, inputs, pairs, samples, 5, CPU, torch.float32)
        stages.append(error_dataset(errors, pairs, samples, {"seconds": 1.0}))
        pairs = survivors(stages, pairs, class_of, keep, "l2")
    best = table[table["rank"] == 1].set_index("image")["class"]
    assert best.to_dict() == pairs.set_index("image")["prompt"].to_dict()


def test_prompts_of_a_class_are_averaged():
    stages, _ = random_stages()
    class_of = np.array([0, 3, 3, 1])
    whole = [stages[0]]
    table = ranking(whole, class_of, "l2", 10)
    expected = class_errors(mean_errors(whole, "l2"), class_of, "mean")
    found = table.set_index(["image", "class"])["error"].sort_index()
    np.testing.assert_allclose(found, expected.set_index(["image", "class"])["error"].sort_index())
    differences = (looked_up(whole, 0, 1) + looked_up(whole, 0, 2)) / 2 - looked_up(whole, 0, 3)
    rows = table[table["image"] == 0].set_index("class")
    found = rows.loc[3, "difference"] - rows.loc[1, "difference"]
    assert found == pytest.approx(differences.mean())


def test_a_class_is_called_by_its_prompt_or_its_name():
    prompts = from_templates(["cat", "dog"], ["a {}", "one {}"]).iloc[:3]
    assert class_labels(prompts) == {0: "cat (2 prompts)", 1: "a dog"}


def run(capsys, *argv):
    """Exit status, stdout and stderr of the command in this process."""
    status = main(["classify", *map(str, argv)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_json_has_the_rows_of_the_table(dit, files, capsys):
    options = ["--model", dit, "--classes", "a,b,c,d", "--samples", 1]
    status, out, _ = run(capsys, *files, *options, "--json")
    assert status == 0
    rows = json.loads(out)
    assert [row["image"] for row in rows] == [path for path in files for _ in range(4)]
    assert {row["prompt"] for row in rows} == set("abcd")
    assert all(row["standard_error"] is None for row in rows)  # of one sample
    status, out, err = run(capsys, *files, *options)
    assert status == 0
    assert "12/12 evaluations" in err
    tables = out.strip().split("\n\n")
    for table, path, first in zip(tables, files, rows[::4], strict=True):
        lines = table.splitlines()
        assert lines[0].startswith(f"{path}: 4 evaluations, ")
        assert lines[1].split()[:3] == ["rank", "prompt", "mean"]
        assert lines[2].split()[:3] == ["1", first["prompt"], f"{first['error']:.5f}"]


def test_text_reaches_the_model_at_its_own_size(sd, files, capsys):
    texts = ["a red circle", "a blue square", "red"]
    options = ["--model", sd, "--prompts", *texts, "--samples", 5, 10, "--keep", 2, 1, "--json"]
    status, out, _ = run(capsys, files[0], *options)
    rows = json.loads(out)
    assert status == 0
    assert sorted(row["prompt"] for row in rows) == sorted(texts)
    assert rows[0]["error"] != rows[1]["error"]
    assert [row["samples"] for row in rows] == [10, 10, 5]
    assert input_form(str(sd), "stable-diffusion") == (16, "RGB", 2)


def test_a_prompts_file_names_classes_by_number(dit, files, tmp_path, capsys):
    path = tmp_path / "prompts.csv"
    path.write_text("prompt,classname,classidx\nthree,3,3\none,1,1\n,,4\n", encoding="utf-8")
    asked = [files[0], "--model", dit, "--json", "--samples", 4]
    chosen = json.loads(run(capsys, *asked, "--prompts-file", path)[1])
    every = json.loads(run(capsys, *asked, "--classes", "0,1,2,3")[1])
    errors = {row["class"]: row["error"] for row in every}
    assert {row["prompt"]: row["error"] for row in chosen} == pytest.approx(
        {"three": errors[3], "one": errors[1]}
    )


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        ("StableDiffusionPipeline", "stable-diffusion"),
        ("StableDiffusionXLPipeline", "stable-diffusion-xl"),
        ("StableDiffusion3Pipeline", "stable-diffusion-3"),
        ("PixArtSigmaPipeline", "pixart"),
        ("DiTPipeline", "dit"),
    ],
)
def test_the_family_is_that_of_the_pipeline(tmp_path, pipeline, expected):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    assert expected in FAMILIES
    assert detect_family(str(tmp_path)) == expected


def test_the_family_is_that_of_the_parts(dit, sd, tmp_path):
    assert detect_family(str(dit)) == "dit"
    shutil.copytree(sd, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model_index.json").unlink()
    assert detect_family(str(tmp_path)) == "stable-diffusion"


def test_losses_are_those_that_are_stored():
    stage = {"l1": 0, "l2": 0, "huber": 0, "vlb": 0}
    assert list(LOSSES) == losses_in([stage])


TWO = ["--prompts", "red", "blue"]
LONG = "a photo of a red circle of a blue square"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (TWO[:0], "prompts: found none, expected one of --prompts, --classes and --prompts-file"),
        (["--prompts", "red"], "found 1 class(es), expected at least two"),
        (["--prompts", "red", "red"], "'red' twice"),
        (["--prompts", "red", " "], "--prompts: found an empty text"),
        (["--classes", "red,,blue"], "--classes: found an empty text"),
        ([*TWO, "--classes", "a,b"], "found --prompts and --classes"),
        ([*TWO, "--template", "a {}"], "--template: found beside --prompts"),
        (["--classes", "a,b", "--template", "a"], "--template: found one without {}"),
        (["--prompts-file", "none.csv"], "none.csv: cannot be read"),
        (["--prompts", "a", LONG], f"found '{LONG}' with 12 tokens, expected at most 8"),
        ([*TWO, "--family", "gan"], "--family: found the unknown model family `gan`"),
        ([*TWO, "--family", "pixart"], "transformer/config.json: cannot be read"),
        ([*TWO, "--samples", "7"], "--samples: 7 evenly spaced timesteps do not divide"),
        ([*TWO, "--samples", "8", "20", "--keep", "2", "1"], "8 does not divide the grid of 20"),
        ([*TWO, "--samples", "2000"], "expected at most the model's 1000"),
        ([*TWO, "--samples", "0"], "found '0', expected a whole number from 1 on"),
        ([*TWO, "--samples", "5", "10"], "--keep: has 1 entries [1] for 2 stages"),
        ([*TWO, "--loss", "vlb"], "found vlb, but the model does not learn its variance"),
        ([*TWO, "--loss", "l3"], "invalid choice: 'l3'"),
        ([*TWO, "--size", "17"], "--size: found 17, expected a multiple of 2"),
        ([*TWO, "--mode", "L"], "--mode: found L, but the model takes RGB"),
        ([*TWO, "--device", "abacus"], "--device: found 'abacus'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line(sd, files, capsys, options, expected):
    check_mistake(run(capsys, files[0], "--model", sd, *options), expected)


def check_mistake(result, expected):
    status, out, err = result
    assert status == 2
    assert out == ""
    assert err.startswith("classify: ") and err.count("\n") == 1
    assert expected in err


def test_mistaken_files_are_named(sd, dit, files, tmp_path, capsys):
    text = tmp_path / "text.png"
    text.write_text("no image")
    for path, expected in [
        (tmp_path / "none.png", "none.png: cannot be read (No such file"),
        (tmp_path, "cannot be read (Is a directory)"),
        (text, "text.png: found 8 bytes that are not an image"),
    ]:
        check_mistake(run(capsys, files[0], path, "--model", sd, *TWO), expected)
    for folder, expected in [
        (tmp_path / "none", "none: found no such folder"),
        (tmp_path, "found neither model_index.json nor unet/"),
        (dit, "found 2 texts for a model that is told the index of one of its 4 classes"),
    ]:
        check_mistake(run(capsys, files[0], "--model", folder, *TWO), expected)


def test_a_damaged_model_is_said_to_be_one(sd, files, tmp_path, capsys):
    shutil.copytree(sd, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    result = run(capsys, files[0], "--model", tmp_path, *TWO)
    check_mistake(result, "cannot be read as a model of the family stable-diffusion")


def test_no_home_path_is_printed(dit, files, capsys, monkeypatch):
    home = Path(files[0]).parent
    monkeypatch.setenv("HOME", str(home))
    options = ["--model", dit, "--classes", "a,b,c,d", "--samples", 1]
    _, out, _ = run(capsys, files[0], *options)
    assert out.startswith("~/0.png: ")
    status, _, err = run(capsys, home / "none.png", *options)
    assert status == 2
    assert "~/none.png" in err and str(home) not in err


def test_as_a_command(dit, files, root):
    """In its own process: the answer on stdout, progress on stderr; the help imports no torch."""
    environment = {**os.environ, "PYTHONPATH": "workflow_scripts"}

    def command(*argv, python=("-m", "diffusion_classifier")):
        return subprocess.run(
            [sys.executable, *python, *map(str, argv)],
            cwd=root, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    done = command("classify", files[0], "--model", dit, "--classes", "a,b,c,d", "--json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)) == 4
    assert done.stderr.strip().startswith("80/80 evaluations")
    bad = command("classify", "none.png", "--model", dit, *TWO)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
    code = (
        "import sys\nfrom diffusion_classifier.command_options import parser\n"
        "print(parser().format_help())\nimport diffusion_classifier.command_line\n"
        "assert not {'torch', 'pandas', 'diffusers'} & set(sys.modules)"
    )
    assert command(python=("-c", code)).returncode == 0
