"""The command that classifies images among prompts: what it reads, prints and refuses."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from tiny_dit import grey_images
from tiny_stable_diffusion import save_pipeline
from transformers.utils import logging

from diffusion_classifier.cli.commands import main
from diffusion_classifier.cli.options import LOSSES
from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.denoisers.model_folders import detect_family, input_form
from diffusion_classifier.engine.error_files import losses_in


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """The environment of the command's process, which it sets before it imports the libraries."""
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # so that they are restored afterwards
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


@pytest.fixture(scope="module")
def sd(tmp_path_factory):
    """The folder of a tiny random Stable Diffusion that reads 8 tokens and 16 x 16 pixels."""
    folder = tmp_path_factory.mktemp("sd")
    save_pipeline(folder, 1, "epsilon")
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    images = grey_images()
    folder = tmp_path_factory.mktemp("images")
    paths = [str(folder / f"{number}.png") for number in range(len(images))]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    return paths


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
    assert all(row["standard_error"] is None for row in rows)  # with one sample
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
    options = [
        "--model",
        sd,
        "--prompts",
        *texts,
        "--samples",
        5,
        10,
        "--keep",
        2,
        1,
        "--race",
        0,
        "--json",
    ]
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
        ("FluxPipeline", "flux"),
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
        ([*TWO, "--template", "a {}"], "--template: found with --prompts"),
        (["--classes", "a,b", "--template", "a"], "--template: found one without {}"),
        (["--prompts-file", "none.csv"], "none.csv: cannot be read"),
        (["--prompts", "a", LONG], f"found '{LONG}' with 12 tokens, expected at most 8"),
        ([*TWO, "--family", "gan"], "--family: found the unknown model family `gan`"),
        ([*TWO, "--family", "pixart"], "transformer/config.json: cannot be read"),
        ([*TWO, "--samples", "7"], "--samples: 7 evenly spaced timesteps do not divide"),
        ([*TWO, "--samples", "8", "20", "--keep", "2", "1"], "8 does not divide the grid of 20"),
        ([*TWO, "--samples", "2000"], "expected at most the model's 1000"),
        ([*TWO, "--samples", "0"], "found '0', expected a whole number from 1 on"),
        ([*TWO, "--samples", "5", "10"], "--keep: found 1 entries [1] for 2 stages"),
        ([*TWO, "--loss", "vlb"], "found vlb, but the model does not learn its variance"),
        ([*TWO, "--loss", "l3"], "invalid choice: 'l3'"),
        ([*TWO, "--size", "17"], "--size: found 17, expected a multiple of 2"),
        ([*TWO, "--mode", "L"], "--mode: found L, but the model takes RGB"),
        ([*TWO, "--device", "abacus"], "--device: found 'abacus'"),
        ([*TWO, "--guidance", "5"], "--guidance: found 5, but the model takes no scale"),
        ([*TWO, "--race", "-1"], "argument --race: found '-1'"),
        ([*TWO, "--race", "none"], "argument --race: found 'none'"),
        ([*TWO, "--keep", "2", "1"], "--keep: found without --samples"),
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
    check_mistake(result, "diffusion_pytorch_model.safetensors: cannot be read as safetensors (")


def test_a_model_that_lacks_tensors_is_refused(sd, files, tmp_path, capsys):
    """Missing tensors would be random, and every run would give another answer."""
    shutil.copytree(sd, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "text_encoder" / "model.safetensors"
    tensors = load_file(path)
    save_file({name: tensors[name] for name in sorted(tensors)[::2]}, path, {"format": "pt"})
    result = run(capsys, files[0], "--model", tmp_path, *TWO)
    check_mistake(result, f"{path}: found 18 of the 36 tensors of CLIPTextModel missing, the first")


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
    """In a new process: results on stdout, progress on stderr; the help imports no torch."""

    def command(*argv, python=("-m", "diffusion_classifier")):
        return subprocess.run(
            [sys.executable, *python, *map(str, argv)],
            cwd=root, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    done = command("classify", files[0], "--model", dit, "--classes", "a,b,c,d", "--json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)) == 4
    assert done.stderr.strip().startswith("1000/1000 evaluations")
    bad = command("classify", "none.png", "--model", dit, *TWO)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
    code = (
        "import sys\nfrom diffusion_classifier.cli.options import parser\n"
        "print(parser().format_help())\nimport diffusion_classifier.cli.commands\n"
        "assert not {'torch', 'pandas', 'diffusers'} & set(sys.modules)"
    )
    assert command(python=("-c", code)).returncode == 0
