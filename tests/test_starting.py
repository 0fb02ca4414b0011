"""`diffusion-classifier init`: a config for a folder of images as people have them."""

import shutil

import pytest
import yaml
from PIL import Image
from pillow_heif import from_pillow
from tiny_dit import save_dit

from diffusion_classifier.cli.commands import main
from diffusion_classifier.config.configuration import check_config
from diffusion_classifier.data.prompt_sets import read_prompts
from diffusion_classifier.data.sources.folder import folder


def picture(path, kind="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 8), "red").save(path, kind)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder with spaces, accents, capital endings, HEIC, texts, hidden files and folders."""
    root = tmp_path / "Fotos für Oma"
    picture(root / "Chats noirs" / "IMG 0001.PNG")
    picture(root / "Chats noirs" / "été.JPG", "JPEG")
    picture(root / "001.Maine_coon" / "2019" / "août" / "IMG_2 (1).png")
    (root / "Hünde_klein").mkdir()
    from_pillow(Image.new("RGB", (64, 64), "red")).save(root / "Hünde_klein" / "IMG_3.HEIC")
    (root / "Hünde_klein" / "notes.txt").write_text("hi")
    picture(root / "Hünde_klein" / ".hidden.png")
    picture(root / ".cache" / "x.png")
    (root / "Chats noirs" / "Thumbs.db").touch()
    (root / "readme.txt").write_text("photographs")
    monkeypatch.chdir(tmp_path)
    return root


def run(capsys, root, images, *options, model="resources/models/scenes-sd"):
    status = main(["init", str(images), "--model", str(root / model), *options])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_config_that_passes_every_check_is_written(photos, root, capsys, tmp_path):
    status, out, err = run(capsys, root, photos)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "found: 4 images of 3 classes (001.Maine_coon, Chats noirs, Hünde_klein)"
    assert "left out (not an image): Hünde_klein/notes.txt" in lines
    assert "left out (hidden): Hünde_klein/.hidden.png" in lines
    assert "at most 3,000 evaluations in 1 job" in out  # 4 images, 3 classes, 250 timesteps
    assert lines[-1].startswith("next: snakemake --snakefile ")
    assert lines[-1].endswith("/Snakefile --configfile fotos-fur-oma.yaml")
    text = (tmp_path / "fotos-fur-oma.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    assert config["prompts"]["mine"]["classes"] == ["Maine coon", "Chats noirs", "Hünde klein"]
    assert len(folder(config["datasets"]["mine"]["path"])) == 4
    assert config["models"]["my-model"]["latent_shape"] == [8, 8, 8]
    assert config["models"]["my-model"]["preprocess"] == {"mode": "RGB", "size": 32,
                                                          "crop": "center"}  # fmt: skip
    check_config(config, root)
    assert text.count("#") >= 10  # it explains itself


def test_plain_names_are_those_of_the_folders(root, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(root)
    output = tmp_path / "shapes.yaml"
    status, out, _ = run(
        capsys, root, "resources/examples/shapes", "--output", str(output), "--size", "64"
    )
    assert status == 0
    assert out.splitlines()[-1] == f"next: snakemake --configfile {output}"
    config = yaml.safe_load(output.read_text())
    assert config["prompts"]["mine"]["captions"] == "mine"
    assert config["models"]["my-model"]["latent_shape"] == [8, 16, 16]
    assert config["results"] == "results-shapes"


def test_a_class_conditional_model_is_told_its_own_classes(root, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_dit(tmp_path / "dit")
    for name in ("3", "1"):
        picture(tmp_path / "digits" / name / "a.png")
    assert main(["init", "digits", "--model", str(tmp_path / "dit")]) == 0
    config = yaml.safe_load((tmp_path / "digits.yaml").read_text())
    prompts = read_prompts(config["prompts"]["mine"]["file"])
    assert prompts[["classname", "classidx", "condition"]].to_numpy().tolist() == [
        ["1", 0, 1],
        ["3", 1, 3],
    ]
    check_config(config, root)
    capsys.readouterr()
    picture(tmp_path / "digits" / "cat" / "a.png")
    assert main(["init", "digits", "--model", str(tmp_path / "dit"), "--output", "o.yaml"]) == 2
    assert "found 'cat', expected one of the model's 4 classes" in capsys.readouterr().err


def test_a_file_is_never_replaced(photos, root, capsys):
    assert run(capsys, root, photos)[0] == 0
    status, out, err = run(capsys, root, photos)
    assert (status, out) == (2, "")
    assert "fotos-fur-oma.yaml: found this file already" in err
    assert run(capsys, root, photos, "--output", "other.yaml")[0] == 0


def _one_class(photos):
    for name in ("Chats noirs", "Hünde_klein"):
        shutil.rmtree(photos / name)
    return photos


def _empty(photos):
    (photos.parent / "empty").mkdir()
    return photos.parent / "empty"


def _nested(photos):
    outer = photos.parent / "outer"
    outer.mkdir()
    photos.rename(outer / "photos")
    return outer


def _empty_class(photos):
    (photos / "Vögel").mkdir()
    return photos


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (_one_class, "found 1 class (001.Maine_coon), expected at least 2"),
        (_empty, "found no subfolder, expected one for each class"),
        (_nested, "did you mean"),
        (_empty_class, "Vögel: found no image, expected at least one image of this class"),
        (lambda photos: photos / "none", "found no such folder"),
        (lambda photos: photos / "readme.txt", "found no such folder"),
    ],
    ids=["one class", "empty", "nested", "empty class", "missing", "a file"],
)
def test_an_unsuitable_folder_is_one_line(photos, root, capsys, changed, expected):
    status, out, err = run(capsys, root, changed(photos))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("init: ") and expected in err
    assert not list(photos.parent.glob("*.yaml"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--size", "33"], "--size: found 33, expected a multiple of 4"),
        (["--family", "dit"], "transformer/config.json: cannot be read"),
    ],
)
def test_a_mistaken_option_is_one_line(photos, root, capsys, options, expected):
    status, _, err = run(capsys, root, photos, *options)
    assert (status, err.count("\n")) == (2, 1)
    assert expected in err


def test_a_repository_needs_a_revision(photos, capsys):
    assert main(["init", str(photos), "--model", "owner/name"]) == 2
    assert "give its --revision" in capsys.readouterr().err
