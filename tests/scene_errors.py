"""What the stored errors of a run of tiny_scenes.yaml say, by brute force."""

import numpy as np
import pandas as pd
import xarray as xr


def stored(project, evaluation, dataset, stage):
    folder = project / f"results/errors/{evaluation}/{dataset}/stage{stage}"
    return xr.concat([xr.load_dataset(path) for path in sorted(folder.glob("*.nc"))], "pair")


def best_prompts_correct(project):
    """Whether each image of `shapes` is right: the better of two prompts counts for a class."""
    data = pd.read_parquet(project / "results/data/shapes.parquet")
    stages = [stored(project, "staged", "shapes", k) for k in (1, 2)]
    correct = []
    for image, label in zip(data["image"], data["label"], strict=True):
        first, second = (
            dict(zip(stage["prompt"].values, stage["l1"].values, strict=True))
            for stage in (s.isel(pair=s["image"].values == image) for s in stages)
        )
        assert len(first) == 12 and len(second) == 6
        mean = {p: np.concatenate([first[p], second[p]]).mean() for p in second}
        correct.append(min(mean, key=mean.get) // 2 == label)
    return correct


def winoground_right(project):
    """Which examples are right by each score: caption c of example e is prompt 2e + c.

    The last prompt is empty.
    """
    errors = stored(project, "exhaustive", "winoground", 1)
    keys = zip(errors["image"].values, errors["prompt"].values, strict=True)
    error = dict(zip(keys, errors["l2"].values.mean(axis=1), strict=True))
    assert len(error) == 9 * 2 * 3
    text, image, calibrated = [], [], []
    for e in range(0, 18, 2):
        own, other = [error[e, e], error[e + 1, e + 1]], [error[e, e + 1], error[e + 1, e]]
        free = [error[e, 18], error[e + 1, 18]]
        text.append(own[0] < other[0] and own[1] < other[1])
        image.append(own[0] < other[1] and own[1] < other[0])
        calibrated.append(
            own[0] - free[0] < other[1] - free[1] and own[1] - free[1] < other[0] - free[0]
        )
    return {
        "text_score": text,
        "image_score": image,
        "group_score": np.logical_and(text, image),
        "calibrated_image_score": calibrated,
    }
