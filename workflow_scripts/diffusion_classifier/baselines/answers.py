"""A baseline's answers in the predictions file that every method ends in."""

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
    """A data set that a baseline is to classify.

    `data`, `prompts` and `latents` are the files of `Images`. For a baseline that learns, `task` is
    the set of prompts, and either `fitted` the folder of what it has learned for it, or `train` and
    `validation` the data sets to learn it from in this job.
    """

    data: str
    prompts: str
    task: str = ""
    latents: Sequence[str] = ()
    fitted: str | None = None
    train: str | None = None
    validation: str | None = None


def fit(kind: type[Baseline], setting: Setting, question: Question) -> Baseline:
    """A baseline that has learned the task of `question` from its `train` and `validation`.

    Raises InputError if the labels are not those that the prompts name.
    """
    sets = [path for path in (question.train, question.validation) if path]
    found = kind(setting)
    images = [Images(path, question.prompts) for path in sets]
    for path, each in zip(sets, images, strict=True):
        check_labels(read_prompts(question.prompts), each.table, Path(path).stem)
    found.fit(*images)
    return found


def predict(
    kind: type[Baseline], setting: Setting, questions: Sequence[Question]
) -> Iterator[pd.DataFrame]:
    """The predictions file of each of `questions`, in their order; see `prediction_table`.

    What answers several of them is made once. Fitting in this job is part of what answers cost: its
    time is shared by the images of a task.
    """
    made: dict[str, Baseline] = {}
    share: dict[str, float] = {}  # seconds per image
    for question in questions:
        if question.task not in made:
            start = time.perf_counter()
            made[question.task] = _made(kind, setting, question)
            if question.train:
                same = [q for q in questions if q.task == question.task]
                total = sum(len(Images(q.data, q.prompts).table) for q in same)
                share[question.task] = (time.perf_counter() - start) / total
        images = Images(question.data, question.prompts, question.latents)
        data = images.table
        start = time.perf_counter()
        predictions, scores = made[question.task].predict(images)
        seconds = time.perf_counter() - start + share.get(question.task, 0.0) * len(data)
        yield prediction_table(
            data,
            predictions,
            scores,
            seconds if kind.evaluations else 0.0,
            kind.evaluations,
        )


def _made(kind: type[Baseline], setting: Setting, question: Question) -> Baseline:
    if question.train:
        return fit(kind, setting, question)
    found = kind(setting)
    if question.fitted:
        found.load(question.fitted)
    return found


def prediction_table(
    data: pd.DataFrame,
    predictions: np.ndarray,
    scores: np.ndarray,
    seconds: float,
    evaluations: float = 1.0,
) -> pd.DataFrame:
    """Columns `image, label, loss, prediction, evaluations, seconds, scores`; `loss` is empty.

    `predictions` is int64 `(image,)`, `scores` float32 `(image, class)`, `seconds` the compute
    time of all images together; one pass through a classifier counts as one of `evaluations`.
    Raises FloatingPointError, naming the first image, if a score is no number: the class of the
    highest score would be the first. A class that cannot be answered may have the score -inf.
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
