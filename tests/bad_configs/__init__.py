"""Mistakes in a config, a module for each of its sections.

BAD spoils a config of class-conditional digits, SCENES one of text-to-image models: a name, and
where the mistake is, what is put there, what the message has to say (key, found, expected, remedy).
"""

from . import (
    baselines,
    datasets,
    evaluations,
    models,
    prompts,
    searches,
    sizes,
    tables,
    weightings,
    whole,
)
from .deletion import DELETE as DELETE

_SECTIONS = (
    *(whole, prompts, datasets, models, evaluations, searches),
    *(weightings, baselines, tables, sizes),
)


def _together(*mistakes):
    """All of them in one mapping; no name may stand for two."""
    every = [item for section in mistakes for item in section.items()]
    assert len(dict(every)) == len(every)
    return dict(every)


BAD = _together(*(section.DIGITS for section in _SECTIONS))
SCENES = _together(*(getattr(section, "SCENES", {}) for section in _SECTIONS))
