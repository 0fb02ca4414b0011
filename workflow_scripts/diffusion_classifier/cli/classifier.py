"""The Python interface: a diffusion model as a classifier, called like transformers' pipelines."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffusion_classifier.messages import InputError

from .calibrating import fitted
from .fitted import load_fitted
from .given_images import read_pictures
from .labels import TEMPLATE, label_prompts
from .measuring import Measuring, changed
from .model import Model, load_model

if TYPE_CHECKING:
    import pandas as pd
    import torch

Labels = Sequence[str] | str | None


class DiffusionClassifier(Measuring):
    """A diffusion model that classifies images among labels, without training.

    It is called like transformers' `pipeline("zero-shot-image-classification")`, with the same
    arguments and answers. Labels, template and the settings of `from_pretrained` can be given again
    in every call.

    >>> from diffusion_classifier import DiffusionClassifier
    >>> classifier = DiffusionClassifier.from_pretrained(
    ...     "resources/models/scenes-sd", progress=False
    ... )
    >>> answer = classifier(
    ...     "resources/examples/shapes/heart/0.png",
    ...     candidate_labels=["circle", "heart", "ring"],
    ...     hypothesis_template="a {}",
    ... )
    >>> [one["label"] for one in answer][0], round(sum(one["score"] for one in answer), 6)
    ('heart', 1.0)
    """

    def __init__(
        self,
        model: Model,
        candidate_labels: Labels = None,
        hypothesis_template: str | Sequence[str] = TEMPLATE,
        **settings: Any,
    ) -> None:
        super().__init__(model, settings)
        self.candidate_labels, self.template = candidate_labels, hypothesis_template

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike,
        revision: str | None = None,
        *,
        candidate_labels: Labels = None,
        hypothesis_template: str | Sequence[str] = TEMPLATE,
        family: str | None = None,
        preprocess: Mapping[str, Any] | None = None,
        guidance: float | None = None,
        truncate_prompts: bool = False,
        device: str = "auto",
        dtype: str | torch.dtype = "auto",
        **settings: Any,
    ) -> DiffusionClassifier:
        """A classifier with the model in a folder, or in a repository OWNER/NAME of the hub.

        revision: commit, tag or branch of the repository; by default the newest. family: one of
        `denoisers.families`, by default what the folder says. preprocess: keys of `preprocess` in a
        config (`crop`, `pad`, `interpolation`, `size`); by default images are resized to a square.
        guidance: for models distilled from guidance. truncate_prompts: cut too long prompts.
        device: `auto` is a GPU if there is one; dtype: `auto` is float32 on a CPU.

        The other keywords are settings. stages: a number of evenly spaced timesteps, or
        `{"samples": [5, 25], "keep": [3, 1]}` as in a config; by default 250, from which a race
        takes few. race: the number z of standard errors behind the best class at which a class
        leaves, or `{"z": 3, "minimum": 5}`; 0 asks about every class at every timestep. loss: l2,
        l1, huber, vlb or l2+vlb. seed: of the noises. batch_size: evaluations in a pass of the
        network, or `auto`. progress: show a bar.

        Raises InputError for a model that cannot be read or used, and for mistaken options.
        """
        loaded = load_model(
            os.fspath(model), revision, family, preprocess, device, dtype, truncate_prompts,
            guidance,
        )  # fmt: skip
        return cls(loaded, candidate_labels, hypothesis_template, **settings)

    def __call__(
        self,
        images: Any = None,
        candidate_labels: Labels = None,
        hypothesis_template: str | Sequence[str] | None = None,
        *,
        image: Any = None,
        prior: Sequence[float] | None = None,
        timeout: float | None = None,
        **settings: Any,
    ) -> list[dict[str, Any]] | list[list[dict[str, Any]]]:
        """The labels of an image, best first, as `{"label": …, "score": …}`; a list for several.

        images: a PIL image, uint8 array, path or address (with a `timeout` in seconds), or several
        of them (a list, a data set's column); `image` is another name. candidate_labels: some of
        `id2label` for a class-conditional model, all by default. Scores are probabilities with the
        sum 1; before `fit_calibration` they are near 0 or 1. prior: p(c) in the order of the
        labels. Raises InputError for mistaken images, labels or settings.
        """
        proba, labels, single = self._proba(
            image if images is None else images, candidate_labels, hypothesis_template, prior,
            timeout, settings,
        )  # fmt: skip
        answers = [
            [{"score": float(row[k]), "label": labels[k]} for k in np.argsort(-row, kind="stable")]
            for row in proba
        ]
        return answers[0] if single else answers

    def predict_proba(
        self,
        images: Any,
        candidate_labels: Labels = None,
        hypothesis_template: str | Sequence[str] | None = None,
        *,
        prior: Sequence[float] | None = None,
        **settings: Any,
    ) -> np.ndarray:
        """p(c | x), float64 `(image, label)`, in the order of the labels; see `__call__`."""
        asked = images, candidate_labels, hypothesis_template, prior, None, settings
        return self._proba(*asked)[0]

    def predict(
        self,
        images: Any,
        candidate_labels: Labels = None,
        hypothesis_template: str | Sequence[str] | None = None,
        **settings: Any,
    ) -> np.ndarray:
        """The most probable label of each image, an array of texts `(image,)`; see `__call__`."""
        asked = images, candidate_labels, hypothesis_template, None, None, settings
        proba, labels, _ = self._proba(*asked)
        return np.array(labels)[proba.argmax(axis=1)]

    def fit_calibration(
        self,
        images: Any,
        labels: Sequence[str | int],
        candidate_labels: Labels = None,
        hypothesis_template: str | Sequence[str] | None = None,
        **settings: Any,
    ) -> DiffusionClassifier:
        """Learn from labelled images what makes answers cheaper and probabilities true.

        Learned are the timesteps at which classes differ (`selection.learned_timesteps`), so that a
        race takes fewer evaluations, and the temperature of the probabilities and what unequal
        numbers of samples need (`scores.calibration`). About 50 images are enough for timesteps,
        some hundred for probabilities; none should be among those that are classified later.
        `labels` are labels or their positions. Labels and template become the defaults. Returns the
        classifier. Raises InputError for labels that are not among the candidates.

        >>> from diffusion_classifier import DiffusionClassifier
        >>> classifier = DiffusionClassifier.from_pretrained(
        ...     "resources/models/scenes-sd", progress=False
        ... )
        >>> names = ["circle", "heart", "ring"]
        >>> files = [f"resources/examples/shapes/{name}/{k}.png" for name in names for k in (0, 1)]
        >>> classifier.fit_calibration(files, [0, 0, 1, 1, 2, 2], names, "a {}").predict(
        ...     ["resources/examples/shapes/ring/2.png", "resources/examples/shapes/heart/3.png"]
        ... ).tolist()
        ['ring', 'heart']
        """
        self.candidate_labels = self._labels(candidate_labels)
        self.template = hypothesis_template or self.template
        chosen = changed(self.settings, settings)
        pictures, _ = read_pictures(images)
        self.fitted = fitted(self, self.template, pictures, list(labels), self._prompts(), chosen)
        return self

    def save(self, folder: str | os.PathLike) -> None:
        """Write what `fit_calibration` learned into `folder`; raises InputError if it is nothing.

        The files are JSON and safetensors; the model is not copied.
        """
        if self.fitted is None:
            raise InputError("save: found nothing fitted, expected a call of `fit_calibration`")
        self.fitted.save(folder)

    def load(self, folder: str | os.PathLike) -> DiffusionClassifier:
        """Read what `save` wrote; returns the classifier. Raises InputError as `load_fitted`."""
        shape = self.latent_shape
        self.fitted = load_fitted(folder, shape, self.model.timesteps)
        self.candidate_labels, self.template = list(self.fitted.labels), self.fitted.template
        return self

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape (c, h, w) of a latent."""
        from PIL import Image

        size = self.model.preprocess.size
        return tuple(self.model.latents([Image.new("RGB", (size, size))]).shape[1:])

    def _proba(
        self, images: Any, labels: Labels, template: Any, prior: Any, timeout: Any, settings: dict
    ) -> tuple[np.ndarray, list[str], bool]:
        """p(c | x) `(image, label)`, the labels, and whether there was a single image."""
        pictures, single = read_pictures(images, timeout)
        prompts = self._prompts(labels, template)
        named = prompts.drop_duplicates("classidx")
        order = np.argsort(named["classidx"].to_numpy())
        if prior is not None:
            prior = np.asarray(prior, "float64")[order] if len(prior) == len(order) else prior
        table = self.rank(pictures, prompts, prior, **settings)
        wide = table.pivot(index="image", columns="class", values="posterior")
        proba = wide[named["classidx"]].to_numpy("float64")
        return proba, named["classname"].tolist(), single

    def _labels(self, labels: Labels) -> Labels:
        return self.candidate_labels if labels is None else labels

    def _prompts(self, labels: Labels = None, template: Any = None) -> pd.DataFrame:
        return label_prompts(self._labels(labels), template or self.template, self.id2label)
