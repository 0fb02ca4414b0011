"""Tiny stand-ins of all that config/paper.yaml fetches or reads, in the true layouts.

Models lie in a cache of the hub under their own ids and revisions, so that the config's `weights`
stay as they are; data lie below `data/`. Only sizes, schedules and limits of the config change.
"""

import io
import json
import shutil
import zipfile
from pathlib import Path

import datasets as hf
import numpy as np
import timm
import torch
import yaml
from diffusers import DDPMScheduler, DiTTransformer2DModel
from PIL import Image
from timm.models import save_for_hf
from tiny_open_clip import RESNET, VIT, save
from tiny_stable_diffusion import save_pipeline
from torchvision_trees import aircraft, food, pets

from diffusion_classifier.data.class_lists import class_rows
from diffusion_classifier.data.world.compositions import winoground_examples

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RNG = np.random.default_rng(0)
# what a stand-in cannot have: torchvision checks sums of these archives, and ViTs are large
WITHOUT = {"datasets": {"flowers", "stl10"}, "methods": {"vit-l-32", "vit-l-16", "vit-b-16"}}


def picture(kind="PNG", size=(20, 18)):
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (*size, 3), dtype=np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def snapshot(cache, repo, revision, kind="models"):
    """An empty folder where the hub's cache has `repo` at `revision`."""
    commit = revision if len(revision) == 40 else COMMIT
    folder = cache / f"{kind}--{repo.replace('/', '--')}"
    reference = folder / "refs" / revision  # a revision may have slashes, as refs/convert/parquet
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(commit)
    (folder / "snapshots" / commit).mkdir(parents=True)
    return folder / "snapshots" / commit


def dit(folder, pipeline):
    torch.manual_seed(0)
    model = DiTTransformer2DModel(
        num_layers=1, num_attention_heads=2, attention_head_dim=8, patch_size=4, sample_size=8,
        in_channels=4, out_channels=8, num_embeds_ada_norm=1000, norm_num_groups=2,
    )  # fmt: skip
    for weight in model.parameters():  # diffusers starts some layers at zero
        torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder / "transformer")
    DDPMScheduler(beta_start=1e-4, beta_end=0.02).save_pretrained(folder / "scheduler")
    shutil.copytree(pipeline / "vae", folder / "vae")
    # as the repository has it: a pickle, to be converted without being opened as one
    weights = folder / "transformer" / "diffusion_pytorch_model"
    torch.save(model.state_dict(), weights.with_suffix(".bin"))
    weights.with_suffix(".safetensors").unlink()


def network(folder):
    model = timm.create_model("test_resnet", num_classes=1000)
    form = {"input_size": (3, 64, 64), "crop_pct": 0.875, "interpolation": "bilinear"}
    form |= {"mean": (0.5,) * 3, "std": (0.5,) * 3}
    save_for_hf(model, folder, safe_serialization=True, data_config=form)


def models(config, cache, scratch):
    """Every repository of the hub that `config` names."""
    save_pipeline(scratch, 2, "epsilon")
    for name, spec in [*config["models"].items(), *config["baselines"].items()]:
        weights = spec.get("weights")
        if not isinstance(weights, dict) or "hub" not in weights:
            continue
        folder = snapshot(cache, weights["hub"], weights["revision"])
        if spec.get("family") == "dit":
            dit(folder, scratch)
        elif spec.get("family") == "stable-diffusion":
            shutil.copytree(scratch, folder, dirs_exist_ok=True)
        elif spec.get("family") == "clip":
            shape = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic"}
            save(folder, RESNET if "rn50" in name else VIT, shape)
        else:
            network(folder)


def cifar(folder, label, classes):
    """Parquet files as those of uoft-cs/cifar10, named as the library finds them without README."""
    rows = {
        "img": [{"bytes": picture(size=(32, 32)), "path": None} for _ in range(2 * len(classes))],
        label: [*range(len(classes))] * 2,
    }
    features = hf.Features({"img": hf.Image(), label: hf.ClassLabel(names=classes)})
    for split in ("train", "test"):
        path = folder / "data" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        hf.Dataset.from_dict(rows, features).to_parquet(path)


def winoground(folder):
    (folder / "data").mkdir()
    lines = []
    with zipfile.ZipFile(folder / "data" / "images.zip", "w") as archive:
        for row in winoground_examples(2).to_dict("records"):
            for k in (0, 1):
                archive.writestr(f"images/ex_{row['id']}_img_{k}.png", row[f"image_{k}"]["bytes"])
                row[f"image_{k}"] = f"ex_{row['id']}_img_{k}"
            lines.append(json.dumps(row))
    (folder / "data" / "examples.jsonl").write_text("\n".join(lines))


def images(root, folders, suffix=".JPEG", each=4):
    for name in folders:
        for number in range(each):
            path = root / name / f"{name}_{number}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture("PNG" if suffix == ".png" else "JPEG"))


def training_images(root):
    """What the trees of three test sets need to be learned from: 12 images of two classes each."""
    names = [f"{name}/{number}" for name in ("apple_pie", "waffles") for number in range(50, 56)]
    meta = {
        key: [name for name in names if name.startswith(key)] for key in ("apple_pie", "waffles")
    }
    (root / "food-101/meta/train.json").write_text(json.dumps(meta))
    for name in names:
        (root / f"food-101/images/{name}.jpg").write_bytes(picture("JPEG"))

    aircraft = root / "fgvc-aircraft-2013b/data"
    for split, start in (("train", 10), ("val", 30)):
        lines = [f"{n:07} {('707-320', 'F-16A/B')[n % 2]}" for n in range(start, start + 12)]
        (aircraft / f"images_variant_{split}.txt").write_text("\n".join(lines) + "\n")
        for line in lines:
            (aircraft / "images" / f"{line[:7]}.jpg").write_bytes(picture("JPEG"))

    pets = root / "oxford-iiit-pet"
    breeds = ("Abyssinian", "american_bulldog")
    lines = [f"{breeds[n % 2]}_{n} {n % 2 + 1} 1 1" for n in range(12)]
    (pets / "annotations/trainval.txt").write_text("\n".join(lines) + "\n")
    for line in lines:
        (pets / "images" / f"{line.split()[0]}.jpg").write_bytes(picture("JPEG"))


def data(config, root, cache):
    """Every data set that `config` reads, below root/data or in the cache of the hub."""
    for make in (food, aircraft, pets):
        make(root / "data")
    training_images(root / "data")
    of_hub = {spec["dataset"]: spec for spec in config["datasets"].values() if "revision" in spec}
    for repo, spec in of_hub.items():
        folder = snapshot(cache, repo, spec["revision"], "datasets")
        if repo.startswith("uoft-cs"):
            classes = [row["classname"] for row in class_rows(repo.partition("/")[2])]
            cifar(folder, spec.get("label_column", "label"), classes)
        else:
            winoground(folder)
    wnids = [row["wnid"] for row in class_rows("imagenet")]
    mapped = [int(row["condition"]) for row in class_rows("objectnet-imagenet")][:6]
    some = sorted({wnids[0], wnids[1], *(wnids[index] for index in mapped)})
    for split in ("val", "train"):
        images(root / "data/imagenet" / split, some)
    images(root / "data/imagenetv2-matched-frequency-format-val", ["0", "1", "10"], ".jpeg")
    images(root / "data/imagenet-a", [row["wnid"] for row in class_rows("imagenet-a")][:3], ".jpg")
    shared = [row["classname"] for row in class_rows("objectnet")][:3]
    images(root / "data/objectnet-1.0/images", [*shared, "air_freshener"], ".png")


def build(root: Path, config: dict) -> dict:
    """Lay out all stand-ins below `root`; the environment in which they are found."""
    cache = root / "cache" / "hub"
    models(config, cache, root / "scratch")
    data(config, root, cache)
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    return {"HF_HOME": str(root / "cache"), "HF_HUB_CACHE": str(cache), **offline}


def shrunk(path: Path, tables: dict | None = None) -> dict:
    """The config in `path` for the stand-ins; `tables` narrows its tables' keys further."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config |= {"results": "results", "noise": {"seed": 0, "size": 40}}
    for spec in config["datasets"].values():
        spec |= {"limit": 4} if "limit" in spec else {}
        spec |= {"skip": 4} if "skip" in spec else {}
        spec |= {"shards": 2 if spec["label"] == "CIFAR-10" else 1} if "shards" in spec else {}
        spec |= {"download": False} if "download" in spec else {}
        spec |= {"per_class": 1, "steps": 2} if "model" in spec else {}
    for spec in config["models"].values():
        spec |= {"truncate_prompts": True, "preprocess": spec["preprocess"] | {"size": 16}}
        spec |= {"latent_shape": [4, 8, 8]} if "latent_shape" in spec else {}
    for spec in config["evaluations"].values():
        for stages in (spec["stages"], *spec.get("stages_for", {}).values()):
            several = len(stages["samples"]) > 1
            stages |= {"samples": [2, 4], "keep": [2, 1]} if several else {"samples": [4]}
    config["baselines"]["synthetic"] |= {
        "preprocess": {"mode": "RGB", "size": 16},
        "params": {"width": 4, "stages": 2, "depth": [1, 2], "block": "bottleneck"},
        "optimisation": {"steps": 2, "batch_size": 4, "learning_rate": 0.001},
    }
    config["baselines"]["sd-features"] |= {
        "layers": ["down_blocks.0", "mid_block"], "timesteps": [50],
    }  # fmt: skip
    if tables is not None:
        config["tables"] = {name: config["tables"][name] for name in tables}
    for name, spec in config["tables"].items():
        spec |= (tables or {}).get(name, {})
        without = WITHOUT["datasets"] | WITHOUT["methods"]
        for key in ("datasets", "methods", "confusion"):
            if key in spec:
                spec[key] = [item for item in spec[key] if item not in without]
        for part in set(spec) & {"trend", "reconstructions"}:
            if (tables or {}).get(name, {}).get(part, 0) is None:
                del spec[part]
    return config
