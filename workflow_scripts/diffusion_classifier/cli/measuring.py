"""Measure errors of images and prompts with a loaded model, and rank classes by them.

`classifier.DiffusionClassifier` adds what makes it easy to call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
import xarray as xr

from diffusion_classifier.engine.engine import Engine, Inputs
from diffusion_classifier.engine.error_files import cost
from diffusion_classifier.engine.noise_bank import noise_bank
from diffusion_classifier.engine.samples import Sample
from diffusion_classifier.messages import InputError, known
from diffusion_classifier.progress import Silence
from diffusion_classifier.scores.calibration import Calibration
from diffusion_classifier.selection.candidates import candidates
from diffusion_classifier.selection.schedules import stage_samples

from .fitted import Fitted
from .given_images import read_pictures
from .labels import class_names, label_prompts
from .model import Model
from .ranking import class_labels, ranking
from .stages import Schedule, Settings, measured, schedule

if TYPE_CHECKING:
    from PIL.Image import Image


class Measuring:
    """A model, the settings of its evaluations and what was fitted for it.

    `id2label` are the classes of a class-conditional model, None for a model that reads text.
    """

    def __init__(self, model: Model, settings: Mapping[str, Any]) -> None:
        self.model = model
        self.settings = changed(Settings(), settings)
        self.id2label = class_names(model.folder, model.name)
        self.fitted: Fitted | None = None

    def errors(
        self, images: Any, prompts: Sequence[str] | pd.DataFrame, samples: Any = 20, **settings: Any
    ) -> xr.Dataset:
        """The errors of every image and prompt at every sample, one variable per loss.

        prompts: texts as they are (for a class-conditional model, its classes), or a table `prompt,
        classname, classidx`. samples: a number of evenly spaced timesteps, or a list of timesteps
        or of `Sample`. Dimensions `image, prompt, sample`; coordinates `prompt`, `timestep`,
        `noise`. Nothing is pruned. See `Engine.errors` for the losses.

        >>> from diffusion_classifier import DiffusionClassifier
        >>> classifier = DiffusionClassifier.from_pretrained(
        ...     "resources/models/scenes-sd", progress=False
        ... )
        >>> found = classifier.errors(
        ...     "resources/examples/shapes/heart/0.png", ["a heart", "a ring"], samples=[100, 300]
        ... )
        >>> dict(found["l2"].sizes)
        {'image': 1, 'prompt': 2, 'sample': 2}
        """
        chosen = changed(self.settings, settings)
        table = (
            label_prompts(prompts, "{}", self.id2label)
            if not isinstance(prompts, pd.DataFrame)
            else prompts
        )
        found = self._samples(samples)
        pictures, _ = read_pictures(images)
        noises = 1 + max(sample.noise for sample in found)
        engine, pairs = self.engine(pictures, table, noises, chosen)
        shown = None if chosen.progress else Silence()
        errors = engine.errors(pairs, found, shown)
        shape = len(pictures), len(table), len(found)
        dims = "image", "prompt", "sample"
        return xr.Dataset(
            {name: (dims, values.reshape(shape)) for name, values in errors.items()},
            {
                "prompt": table["prompt"].tolist(),
                "timestep": ("sample", [sample.timestep for sample in found]),
                "noise": ("sample", [sample.noise for sample in found]),
            },
        )

    def rank(
        self,
        images: Any,
        prompts: pd.DataFrame,
        prior: Sequence[float] | None = None,
        timeout: float | None = None,
        **settings: Any,
    ) -> pd.DataFrame:
        """The classes of every image, best first, with differences and standard errors.

        `prompts` is a table `prompt, classname, classidx`; the prompts of a class are averaged. The
        columns are those of `ranking.ranking`, `prompt` (the text of the class), and, for the whole
        image, the `evaluations` of the network that the answer rests on and its share of their
        `seconds`, without reading and encoding.
        """
        chosen = changed(self.settings, settings)
        plan, class_of = self.plan(chosen), prompts["classidx"].to_numpy()
        pictures, _ = read_pictures(images, timeout)
        engine, pairs = self.engine(pictures, prompts, plan.noises, chosen)
        densities = self._densities(plan.loss)
        fill = self.model.fill
        stages = measured(engine, pairs, class_of, plan, densities, chosen.progress, fill)
        calibration = self._calibration(plan.loss, engine.latents[0].numel())
        table = ranking(stages, class_of, plan.loss, calibration, prior)
        table.insert(3, "prompt", table["class"].map(class_labels(prompts)))
        spent = cost(stages)
        return table.assign(**{name: table["image"].map(spent[name]) for name in spent})

    def plan(self, settings: Settings) -> Schedule:
        """The schedule of a call; raises InputError for settings that the model cannot have."""
        plan = schedule(settings, self.model.timesteps, self._densities(settings.loss))
        if "vlb" in plan.loss and not self.model.learned_variance:
            raise InputError(
                f"loss: found {plan.loss}, but the model does not learn its variance; expected l1, "
                "l2 or huber; choose one"
            )
        return plan

    def engine(
        self, pictures: list[Image], prompts: pd.DataFrame, noises: int, settings: Settings
    ) -> tuple[Engine, pd.DataFrame]:
        """An engine for these images and prompts with a bank of `noises`, and all their pairs."""
        conditions, latents = self.model.conditions(prompts), self.model.latents(pictures)
        noise = _noise_bank(tuple(latents.shape[1:]), noises, settings.seed)
        inputs = Inputs(latents, torch.arange(len(pictures)), conditions, noise)
        size = settings.evaluations_per_pass(latents[0].numel())
        engine = Engine(self.model.denoiser, inputs, size, self.model.device, self.model.dtype)
        return engine, candidates(pd.DataFrame({"image": range(len(pictures))}), prompts)

    def _samples(self, samples: Any) -> list[Sample]:
        if isinstance(samples, int):
            return stage_samples([samples], timesteps=self.model.timesteps)[0]
        return [
            sample if isinstance(sample, Sample) else Sample(int(sample), number)
            for number, sample in enumerate(samples)
        ]

    def _densities(self, loss: str) -> pd.DataFrame | None:
        learned = self.fitted is not None and (self.fitted.densities["loss"] == loss).any()
        return self.fitted.densities if learned else None

    def _calibration(self, loss: str, values: int) -> Calibration:
        """The fitted calibration, or the paper's posterior with D = `values`."""
        if self.fitted is not None and self.fitted.loss == loss:
            return self.fitted.calibration
        return Calibration(float(values))


_noise_bank = lru_cache(maxsize=1)(noise_bank)


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """`settings` with some replaced; raises InputError for an unknown one."""
    for name in changes:
        known("the classifier's keywords", name, Settings.__dataclass_fields__, "keyword")
    return replace(settings, **changes)
