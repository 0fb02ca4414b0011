"""What a config wants: which files, made of which others, with which parameters.

Plain functions of names, without Snakemake: `plan.evaluations.errors("scenes", "shapes", [1], [0])`
are paths. Rules ask them with a job's wildcards. Each module is one part of a config, and asks only
those before it:

* `weights`: where the weights of models and baselines lie;
* `given`: the user's own files, which rules depend on;
* `data`: data sets and prompts;
* `models`: what a job depends on that loads a model;
* `candidates`: which classes an image is asked about: priors and groups;
* `evaluations`: the stages of diffusion classifiers, what they need, and their errors;
* `calibrations`: where evaluations learn their timesteps;
* `baselines`: the other methods, what they are asked and what they learn for it;
* `other_baselines`: methods of kinds that no rule of its own answers for;
* `judges`: which drawings of a model are kept;
* `together`: what is small enough to be encoded in one job per model;
* `tables`: which methods and data sets are shown, and where they come from;
* `pictures`: what tables show of single images;
* `notebooks`: what notebooks are told;
* `resources`: what jobs ask a scheduler for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from layout import Layout

from .baselines import Baselines
from .calibrations import Calibrations
from .candidates import Candidates
from .data import Data
from .evaluations import Evaluations
from .given import Given
from .judges import Judges
from .models import Generators, Models
from .notebooks import Notebooks
from .other_baselines import OtherBaselines
from .pictures import Pictures
from .resources import Resources
from .tables import Tables
from .together import Together
from .weights import Weights


class Plan:
    """All that a checked `config` wants; `workflow` is the folder of the Snakefile.

    The parts are those that the package names.
    """

    def __init__(self, config: dict[str, Any], workflow: Path) -> None:
        # relative, so that no file or notebook tells where on a machine the project lies
        workflow = Path(os.path.relpath(workflow))
        self.config = config
        self.layout = layout = Layout(config["results"])
        self.weights = Weights(config, layout, workflow)
        self.given = Given(config, layout, self.weights)
        self.data = Data(config, layout, self.given, workflow)
        self.models = Models(config, self.weights, self.given)
        self.generators = Generators(config, self.models)
        self.candidates = Candidates(config, layout, self.data, self.given)
        self.evaluations = Evaluations(config, layout, self.data, self.models, self.candidates)
        self.calibrations = Calibrations(self.evaluations)
        self.baselines = Baselines(config, layout, self.data, self.models, self.weights)
        self.other_baselines = OtherBaselines(self.baselines)
        self.judges = Judges(self.other_baselines, self.given)
        self.together = Together(config, self.calibrations, self.baselines)
        self.tables = Tables(config, layout, self.evaluations, self.given, workflow)
        self.pictures = Pictures(self.tables)
        self.notebooks = Notebooks(self.tables, self.pictures)
        self.resources = Resources(config, self.evaluations)

    def wanted(self) -> list[str]:
        """What `snakemake` makes when asked for nothing in particular: all tables."""
        return [self.layout.table(table) for table in self.config["tables"]]
