"""Fit a baseline, and store its predictions in the file format that all methods share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from diffusion_classifier.data.prompt_sets import check_labels, read_prompts

from .baseline import Baseline, Images, Setting


@dataclass(frozen=True)
class Question:
    """A data set that a baseline classifies.

    `data`, `prompts` and `latents` are the files of `Images`. A baseline that learns also has the
    name of the set of prompts as `task`, and either the folder of the `fitted` baseline, or the
    data sets `train` and `validation` from which it is fitted in this job.
    """

    data: str
    prompts: str
    task: str = ""
    latents: Sequence[str] = ()
    fitted: str | None = None
    train: str | None = None
    validation: str | None = None


def fit(kind: type[Baseline], setting: Setting, question: Question) -> Baseline:
    """Fit a baseline to the data sets `train` and `validation` of `question`.

    Raises InputError if a label has no prompt.
    """
    sets = [path for path in (question.train, question.validation) if path]
    fitted = kind(setting)
    images = [Images(path, question.prompts) for path in sets]
    for path, each in zip(sets, images, strict=True):
        check_labels(read_prompts(question.prompts), each.table, Path(path).stem)
    fitted.fit(*images)
    return fitted


def predict(
    kind: type[Baseline], setting: Setting, questions: Sequence[Question]
) -> Iterator[pd.DataFrame]:
    """The predictions for each of `questions`, in their order; see `prediction_table`.

    Each task has one baseline. If it is fitted in this job, the time of fitting is divided among
    all images of the task and added to the time of their predictions.
    """
    baselines: dict[str, Baseline] = {}
    fitting: dict[str, float] = {}  # seconds per image
    for question in questions:
        if question.task not in baselines:
            start = time.perf_counter()
            baselines[question.task] = _ready(kind, setting, question)
            if question.train:
                same = [q for q in questions if q.task == question.task]
                total = sum(len(Images(q.data, q.prompts).table) for q in same)
                fitting[question.task] = (time.perf_counter() - start) / total
        images = Images(question.data, question.prompts, question.latents)
        data = images.table
        start = time.perf_counter()
        predictions, scores = baselines[question.task].predict(images)
        seconds = time.perf_counter() - start + fitting.get(question.task, 0.0) * len(data)
        seconds = seconds if kind.evaluations else 0.0
        yield prediction_table(data, predictions, scores, seconds, kind.evaluations)


def _ready(kind: type[Baseline], setting: Setting, question: Question) -> Baseline:
    """A baseline that can predict: fitted here, loaded, or without anything to learn."""
    if question.train:
        return fit(kind, setting, question)
    ready = kind(setting)
    if question.fitted:
        ready.load(question.fitted)
    return ready


def prediction_table(
    data: pd.DataFrame,
    predictions: np.ndarray,
    scores: np.ndarray,
    seconds: float,
    evaluations: float = 1.0,
) -> pd.DataFrame:
    """Columns `image, label, loss, prediction, evaluations, seconds, scores`; `loss` is empty.

    `predictions` is int64 `(image,)`, `scores` float32 `(image, class)`, and `seconds` the compute
    time of all images together. One pass through a classifier counts as one of `evaluations`.
    Raises FloatingPointError, naming the first image, if a score is NaN, as argmax would choose
    its class. A class that the baseline does not know may have the score -inf.
    """
    bad = np.flatnonzero(np.isnan(scores).any(axis=1))
    if len(bad):
        raise FloatingPointError(
            f"the scores of {len(bad)} of {len(data)} images are not numbers, the first: image "
            f"{data['image'].iloc[bad[0]]}. Check the weights of the baseline"
        )
    frame = data[["image", "label"]].assign(
        loss="", prediction=predictions, evaluations=evaluations, seconds=seconds / len(data)
    )
    return frame.assign(scores=list(scores))
