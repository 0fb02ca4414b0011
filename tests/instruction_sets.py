"""Every kind of classifier on some images, with the library as the rules use it.

`python instruction_sets.py OUT` writes into the folder OUT what was predicted
(predictions.parquet), what the errors were (errors.parquet, a row per pair and sample that was
measured) and on which instructions (capability.txt).
"""

import sys
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import yaml
from classical_answers import fit_predict

from diffusion_classifier import files
from diffusion_classifier.baselines import clip, features
from diffusion_classifier.baselines import small_networks as networks
from diffusion_classifier.baselines.answers import prediction_table as baseline_table
from diffusion_classifier.config.seeds import network_folder
from diffusion_classifier.data.preprocess import Preprocess, pixels
from diffusion_classifier.data.prompt_sets import from_templates
from diffusion_classifier.data.sources.image_source import decode
from diffusion_classifier.data.sources.opening import dataset
from diffusion_classifier.denoisers.families import family
from diffusion_classifier.denoisers.speed import Speed, accelerate
from diffusion_classifier.engine.encoders import encode_images
from diffusion_classifier.engine.engine import Engine, Inputs, epsilon_errors
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.progress import Silence
from diffusion_classifier.selection.candidates import calibration_pairs, candidates
from diffusion_classifier.selection.learned_timesteps import fit_densities, learned_samples
from diffusion_classifier.selection.pruning import prediction_table, survivors
from diffusion_classifier.selection.racing import gap_race
from diffusion_classifier.selection.schedules import stage_samples

ROOT = Path(__file__).parents[1]
IMAGES = 200
CPU = (torch.device("cpu"), torch.float32)
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
RACE = {"z": 2, "minimum": 1, "loss": "l2", "combine": "mean"}
UNUSED = ("label", "description", "prompts")  # by the library
NETWORKS = ("resnet-8", "resnet-32", "vit-64")


def images(name, limit=IMAGES):
    """A data set of the default config, but for its size."""
    spec = {k: v for k, v in CONFIG["datasets"][name].items() if k not in UNUSED}
    return dataset(spec | {"limit": limit})


def prompts(name):
    spec = CONFIG["prompts"][name]
    return from_templates(spec["classes"], spec["templates"])


class Diffusion:
    """A shipped diffusion model on one set of prompts."""

    def __init__(self, model, task, batch_size):
        spec = CONFIG["models"][model]
        self.folder, self.family = str(ROOT / "resources" / "models" / model), spec["family"]
        self.preprocess = Preprocess(**spec["preprocess"])
        self.prompts, self.batch_size = prompts(task), batch_size
        self.class_of = self.prompts["classidx"].to_numpy()
        self.conditions = family(self.family).encode_prompts(self.folder, self.prompts, *CPU)
        self.denoiser = family(self.family).load(self.folder, *CPU)
        accelerate(self.denoiser, Speed(), 1)
        self.noise = noise_bank(spec["latent_shape"], 20, 0)

    def latents(self, data):
        found = map(decode, data["bytes"])
        return encode_images(self.folder, self.preprocess, found, *CPU, self.family)

    def inputs(self, data):
        numbers = torch.tensor(data["image"].to_numpy())
        return Inputs(self.latents(data), numbers, self.conditions, self.noise)

    def staged(self, data, counts, keep):
        """Stages with pruning: predictions, and the errors of each."""
        engine = Engine(self.denoiser, self.inputs(data), self.batch_size, *CPU)
        pairs, stages = candidates(data, self.prompts), []
        for samples, kept in zip(stage_samples(counts), [*keep, None], strict=True):
            last = pairs
            errors = engine.errors(pairs, samples, Silence())
            stages.append(error_dataset(errors, pairs, samples, {"seconds": 0.0}))
            if kept:
                pairs = survivors(stages, pairs, self.class_of, kept, "l2")
        return prediction_table(stages, last, self.class_of, data[["image", "label"]]), stages

    def race(self, data, calibration, count):
        """A race at learned timesteps: predictions, and the errors."""
        engine = Engine(self.denoiser, self.inputs(data), self.batch_size, *CPU)
        densities = self.densities(calibration)
        (samples,) = learned_samples(densities, [count], "l2")
        pairs = candidates(data, self.prompts)
        measure = partial(engine.errors, progress=Silence())
        errors = gap_race(measure, pairs, samples, self.class_of, RACE, [], densities)
        stages = [error_dataset(errors, pairs, samples, {"seconds": 0.0})]
        return prediction_table(stages, pairs, self.class_of, data[["image", "label"]]), stages

    def densities(self, data):
        pairs, samples = calibration_pairs(data, self.prompts, 3), stage_samples([10])[0]
        asked = (self.inputs(data), pairs, samples, self.batch_size, *CPU)
        errors = epsilon_errors(self.denoiser, *asked)
        return fit_densities(error_dataset(errors, pairs, samples, {}), 1000)


def long(stages):
    """What was measured of errors, a row per pair and sample."""
    frames = [stage.to_dataframe().assign(stage=k) for k, stage in enumerate(stages)]
    return pd.concat([frame.reset_index(drop=True) for frame in frames]).dropna(subset="l2")


def diffusion():
    """`name -> (predictions, errors)` of both families."""
    for model, task, test, calibration, counts, batch in (
        ("digits-dit", "digits", "mnist", "mnist-calibration", (1, 2), 192),
        ("scenes-sd", "shapes", "shapes", "shapes-calibration", (1, 2), 144),
    ):
        one, data = Diffusion(model, task, batch), images(test)
        for kind, (table, stages) in (
            ("pruned", one.staged(data, counts, keep=[2])),
            ("race", one.race(data, images(calibration, 12), 4)),
        ):
            yield f"{model} {kind}", table, long(stages)


def baselines():
    """`name -> predictions` of everything else."""
    train, data = images("mnist-train", 1000), images("mnist")
    form = Preprocess(**CONFIG["baselines"]["logistic-regression"]["preprocess"])
    learned = (pixels(train, form), train["label"].to_numpy(), {"": pixels(data, form)})
    for kind in ("logistic_regression", "k_nearest"):
        yield kind, data, *fit_predict(kind, {}, *learned)[""]
    for name in NETWORKS:
        network = networks.load(network_folder(ROOT, name, 0, "digits"))
        yield name, data, *networks.predict(network, pixels(data, form))
    scenes, of_task = images("shapes"), prompts("shapes")
    model = clip.load(str(ROOT / "resources" / "models" / "scenes-clip"), *CPU)
    found = model.embed_images(map(decode, scenes["bytes"])), model.embed_texts(of_task["prompt"])
    yield "clip", scenes, *clip.classify(*found, of_task["classidx"].to_numpy(), model.scale)
    yield "probe", scenes, *probe(scenes)


def probe(data):
    one = Diffusion("scenes-sd", "shapes", 144)
    asked = ([100], ["mid_block", "up_blocks.0"], *CPU, 0)
    train, validation = images("shapes-train", 200), images("shapes-validation", 60)
    of_sets = [
        features.unet_features(one.folder, one.latents(of_set), *asked)
        for of_set in (train, validation, data)
    ]
    labels = train["label"].to_numpy(), validation["label"].to_numpy()
    fitted = features.fit_probe(of_sets[0], labels[0], of_sets[1], labels[1])
    return fitted.predict(of_sets[2], 6)


def main(out):
    predictions, errors = [], []
    for name, table, measured in diffusion():
        predictions.append(table.assign(method=name))
        errors.append(measured.assign(method=name))
    for name, data, predicted, scores in baselines():
        table = baseline_table(data, predicted, scores, 0.0)
        predictions.append(table.assign(method=name))
    files.write_parquet(pd.concat(errors, ignore_index=True), out / "errors.parquet")
    files.write_parquet(pd.concat(predictions, ignore_index=True), out / "predictions.parquet")
    files.write_text(torch.backends.cpu.get_cpu_capability(), out / "capability.txt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
