"""Fabricated results of a robustness table: predictions, errors and images."""

import numpy as np
import pandas as pd
import xarray as xr
from PIL import Image

from diffusion_classifier.data.sources.image_source import encode

DATASETS = {"digits": "Digits", "uci": "UCI & pen", "noisy": "Noisy_digits"}
CHANCES = {"dit": (0.97, 0.9, 0.6), "mlp": (0.9, 0.7, 0.5), "knn": (0.93, 0.78, 0.45)}
CHANCES |= {f"cnn-seed{seed}": (0.97 + seed / 200, 0.85, 0.6) for seed in range(3)}
LABELS = {"dit": "Diffusion Classifier (DiT)", "mlp": "MLP", "knn": "k-NN", "cnn": "CNN"}
METHODS = {
    name: {
        "label": LABELS[name.split("-")[0]],
        "kind": "diffusion" if name == "dit" else "baseline",
        "group": name.split("-")[0],
        "varies": "" if name == "knn" else "training",
    }
    for name in CHANCES
}
IMAGES, CLASSES = 120, 5


def fabricated():
    """Predictions of every method on every data set, with the chances above of being right."""
    rng = np.random.default_rng(0)
    found = {}
    label = np.arange(IMAGES) % CLASSES
    for name, chances in CHANCES.items():
        for dataset, chance in zip(DATASETS, chances, strict=True):
            parts = []
            for loss in ("l2", "l1") if name == "dit" else ("",):
                wrong = (label + rng.integers(1, CLASSES, IMAGES)) % CLASSES
                right = rng.random(IMAGES) < chance
                part = {"image": np.arange(IMAGES), "label": label, "loss": loss}
                part["prediction"] = np.where(right, label, wrong)
                part["evaluations"] = 68.5 if loss else 1.0
                parts.append(pd.DataFrame(part).assign(seconds=0.034 if loss else 0.0002))
            found[name, dataset] = pd.concat(parts, ignore_index=True)
    return found


def errors(images=60, timesteps=50):
    """Exhaustive errors that are informative at medium timesteps."""
    rng = np.random.default_rng(0)
    image, prompt = np.divmod(np.arange(images * CLASSES), CLASSES)
    t = np.arange(timesteps) * 20 + 10
    gain = 1.5 * np.exp(-(((t - 300) / 200) ** 2))
    values = rng.normal(size=(len(image), timesteps))
    values -= (prompt == image % CLASSES)[:, None] * gain
    return xr.Dataset(
        {"l2": (("pair", "sample"), values.astype("float32"))},
        {
            "image": ("pair", image),
            "prompt": ("pair", prompt),
            "timestep": ("sample", t),
            "noise": ("sample", np.arange(timesteps)),
        },
    )


def images():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (IMAGES, 8, 8), dtype=np.uint8)
    label = np.arange(IMAGES) % CLASSES
    encoded = [encode(Image.fromarray(image)) for image in pixels]
    names = [f"number {i}" for i in label]
    return pd.DataFrame(
        {"image": np.arange(IMAGES), "label": label, "classname": names, "bytes": encoded}
    )
