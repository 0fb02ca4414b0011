"""Learn timesteps and probabilities from a few labelled images, for the Python interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from diffusion_classifier.engine.error_files import error_dataset
from diffusion_classifier.messages import InputError
from diffusion_classifier.progress import Silence
from diffusion_classifier.scores.calibration import fit
from diffusion_classifier.selection.candidates import calibration_pairs
from diffusion_classifier.selection.evidence import evidence
from diffusion_classifier.selection.learned_timesteps import fit_densities
from diffusion_classifier.selection.schedules import most_timesteps, stage_samples

from .fitted import Fitted
from .stages import Settings, measured, schedule

if TYPE_CHECKING:
    from PIL.Image import Image

    from .measuring import Measuring

SAMPLES, CLASSES, IMAGES = 50, 10, 50
"""Timesteps are learned from so many timesteps, classes and images, as in the default config."""


def fitted(
    classifier: Measuring,
    template: str | Sequence[str],
    pictures: list[Image],
    labels: Sequence[str | int],
    prompts: pd.DataFrame,
    settings: Settings,
) -> Fitted:
    """Learn the densities of timesteps, and from a race with them the calibration.

    `labels` are labels or their positions among the classes of `prompts`. Raises InputError for
    other labels, and as `scores.calibration.fit`.
    """
    data = pd.DataFrame({"image": range(len(pictures)), "label": _classes(labels, prompts)})
    if len(data) < 2 or prompts["classidx"].nunique() < 2:
        raise InputError(f"images: found {len(data)}, expected at least 2; give more")
    count = most_timesteps(classifier.model.timesteps, SAMPLES)
    samples = stage_samples([count], timesteps=classifier.model.timesteps)[0]
    engine, every = classifier.engine(pictures, prompts, 250, settings)
    few = calibration_pairs(data.sample(min(IMAGES, len(data)), random_state=0), prompts, CLASSES)
    errors = engine.errors(few, samples, None if settings.progress else Silence())
    densities = fit_densities(error_dataset(errors, few, samples, {}), classifier.model.timesteps)
    plan = schedule(settings, classifier.model.timesteps, densities)
    class_of = prompts["classidx"].to_numpy()
    if plan.noises > 250:
        engine, every = classifier.engine(pictures, prompts, plan.noises, settings)
    fill = classifier.model.fill
    stages = measured(engine, every, class_of, plan, densities, settings.progress, fill)
    latent = engine.latents[0]
    calibration = fit(
        evidence(stages, class_of, plan.loss), data["label"].to_numpy(), float(latent.numel())
    )
    named = prompts.drop_duplicates("classidx")["classname"]
    return Fitted(
        densities,
        calibration,
        plan.loss,
        tuple(named),
        template if isinstance(template, str) else tuple(template),
        tuple(latent.shape),
        classifier.model.timesteps,
        classifier.model.source,
    )


def _classes(labels: Sequence[str | int], prompts: pd.DataFrame) -> list[int]:
    """The class index of each label, which is a class name or its position."""
    named = prompts.drop_duplicates("classidx")
    index = dict(zip(named["classname"], named["classidx"], strict=True))
    found = []
    for number, label in enumerate(labels):
        if isinstance(label, str) and label in index:
            found.append(index[label])
        elif not isinstance(label, str) and 0 <= int(label) < len(named):
            found.append(int(named["classidx"].iloc[int(label)]))
        else:
            raise InputError(
                f"labels[{number}]: found {label!r}, expected one of the {len(named)} candidate "
                f"labels, {', '.join(map(repr, named['classname'].head(5)))}, or a position among "
                "them; correct it"
            )
    return found
