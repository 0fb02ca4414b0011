"""Measure a page of many images in a browser: how long it is made, its size, and how fast it opens.

    python tests/large_page.py [IMAGES [FOLDER]]

The images are crops of photographs (scikit-learn's), of 100 classes; one diffusion classifier with
20 timesteps for every class and 5 networks. The page holds 10,000 of them at most. Needs a browser
(tests/browser.py).
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from browser import chromium
from explorer_results import predicted, write_network, write_prompts
from PIL import Image, ImageEnhance
from sklearn.datasets import load_sample_images

from diffusion_classifier import files
from diffusion_classifier.data.sources.image_source import encode
from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.tables.explorer.build import Table, write_explorer

CLASSES, NETWORKS, EDGE, SAMPLES = 100, 5, 160, 20


def crops(count, generator):
    """Crops of photographs, each at another place, size and brightness."""
    photographs = [Image.fromarray(array) for array in load_sample_images().images]
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        side = int(generator.integers(EDGE, 400))
        left, top = (int(generator.integers(0, n - side)) for n in photograph.size)
        crop = photograph.crop((left, top, left + side, top + side)).resize((EDGE, EDGE))
        yield encode(ImageEnhance.Brightness(crop).enhance(generator.uniform(0.6, 1.2)))


def write_results(folder, count):
    """A table of one data set of `count` images."""
    generator = np.random.default_rng(0)
    names = [f"class {k}" for k in range(CLASSES)]
    labels = generator.integers(CLASSES, size=count)
    data = pd.DataFrame({"image": range(count), "label": labels, "classname": ""})
    pieces = (
        data.iloc[start : start + 500].assign(
            bytes=list(crops(len(data.iloc[start : start + 500]), generator))
        )
        for start in range(0, count, 500)
    )
    files.write_parquet_pieces(pieces, folder / "data.parquet")
    class_of = write_prompts(folder / "prompts.csv", names)["classidx"].to_numpy()
    samples = [Sample(25 + 50 * n, n) for n in range(SAMPLES)]
    shards = []
    for images in np.array_split(np.arange(count), 10):
        pairs = pd.DataFrame(
            {"image": np.repeat(images, CLASSES), "prompt": np.tile(class_of, len(images))}
        )
        right = labels[pairs["image"]] == pairs["prompt"]
        values = generator.normal(1, 0.1, (len(pairs), SAMPLES)) - 0.06 * right.to_numpy()[:, None]
        stage = error_dataset({"l2": values.astype("float32")}, pairs, samples, {"seconds": 1.0})
        shards.append(([stage], pairs))
    predictions, ranked = predicted(shards, data, class_of)
    files.write_parquet(predictions, folder / "ours.parquet")
    files.write_dataset(ranked, folder / "ours.nc")
    methods = {"ours": {"label": "Diffusion Classifier", "group": "ours", "varies": "training"}}
    for number in range(NETWORKS):
        write_network(folder / f"net-{number}.parquet", labels, CLASSES, generator)
        methods[f"net-{number}"] = {"label": "Network", "group": "net", "varies": "training"}
    entry = {
        "label": "Crops",
        "description": f"{count:,} crops of photographs.",
        "data": str(folder / "data.parquet"),
        "prompts": str(folder / "prompts.csv"),
        "loss": "l2",
        "answers": {name: str(folder / f"{name}.parquet") for name in methods},
        "rankings": {"ours": {"file": str(folder / "ours.nc"), "loss": "l2"}},
    }
    return Table("crops", "A page of many images.", False, methods, {"crops": entry})


def measure(path, screenshots=None):
    """Seconds until the first images are drawn, until an order by margin is, and until a detail."""
    found = []
    with chromium() as browser, _page(browser) as page:
        for _ in range(3):
            start = time.perf_counter()
            page.goto(Path(path).resolve().as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            page.wait_for_selector(".cell[data-place='0'] canvas[data-drawn]")
            ready = time.perf_counter() - start
            start = time.perf_counter()
            page.select_option("[name=order]", "least")
            page.wait_for_selector(".cell[data-place='0'] canvas[data-drawn]")
            ordered = time.perf_counter() - start
            start = time.perf_counter()
            page.click(".cell[data-place='3']")
            page.wait_for_selector(".curves path.curve", state="attached")
            found.append((ready, ordered, time.perf_counter() - start))
            if screenshots:
                page.screenshot(path=screenshots / "detail.png")
                page.keyboard.press("Escape")
                page.screenshot(path=screenshots / "grid.png")
        told = page.inner_text("#count"), page.inner_text("#about")
    return np.median(found, axis=0), told


def _page(browser):
    return browser.new_context(viewport={"width": 1200, "height": 900}).new_page()


def main(count=10_000, folder=None):
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(folder or temporary)
        table = write_results(work, int(count))
        start = time.perf_counter()
        write_explorer(table, work / "page.html", work / "small.html")
        made = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        (ready, ordered, detail), told = measure(work / "page.html", work if folder else None)
        size = (work / "page.html").stat().st_size / 1e6
    print(f"{int(count):,} images: made in {made:.0f} s, {peak:.0f} MiB; {size:.1f} MB")
    print(f"opens in {ready:.2f} s, orders in {ordered:.2f} s, shows an image in {detail:.2f} s")
    print(*told, sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
