"""The files that a config asks for, and the inputs and parameters of the jobs that make them.

All functions take names and know nothing of Snakemake; for example,
`plan.evaluations.errors("scenes", "shapes", [1], [0])` returns paths. The rules call them with the
wildcards of a job. These are its parts, each in a module that uses only those above it:

* `weights`: the folders of weights of models and baselines;
* `given`: the user's own files, as inputs of rules;
* `data`: data sets and prompts;
* `models`: models, and the inputs of jobs that load one;
* `candidates`: the classes that an image is compared with, after priors and groups;
* `evaluations`: the stages of diffusion classifiers, their inputs and their errors;
* `calibrations`: the data on which evaluations learn their timesteps;
* `searches`: the searches of evaluations, and the data on which they are calibrated;
* `baselines`: the other methods, the data sets they classify and those they learn from;
* `other_baselines`: baselines whose kind has no rule of its own;
* `judges`: the drawings of a model that are kept;
* `resources`: memory and time of jobs;
* `tables`: the methods, data sets and sources of tables;
* `probabilities`: the errors and predictions that probabilities of tables are made of;
* `pictures`: error maps and reconstructions of single images in tables;
* `curves`: the errors that curves in tables are made of;
* `notebooks`: the parameters of notebooks;
* `explorers`: the files of the pages on which images can be looked at;
* `weightings`: the errors and labels from which weights of timesteps are learned.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from layout import Layout

from .baselines import Baselines
from .calibrations import Calibrations
from .candidate_jobs import Candidates
from .curve_jobs import Curves
from .data import Data
from .evaluations import Evaluations
from .explorers import Explorers
from .given_files import Given
from .judges import Judges
from .models import Generators, Models
from .notebooks import Notebooks
from .other_baselines import OtherBaselines
from .pictures import Pictures
from .probability_jobs import Probabilities
from .resources import Resources
from .search_jobs import Searches
from .tables import Tables
from .weightings import Weightings
from .weights import Weights


class Plan:
    """The plan of a checked `config`; `workflow` is the folder of the Snakefile.

    With `stored`, jobs run on machines without the user's files, and folders of weights are copied
    to the results. Its attributes are the parts that the package's docstring lists.
    """

    def __init__(self, config: dict[str, Any], workflow: Path, stored: bool = False) -> None:
        # a relative path, so that no file or notebook contains the project's place on this machine
        workflow = Path(os.path.relpath(workflow))
        self.config = config
        self.layout = layout = Layout(config["results"])
        self.weights = Weights(config, layout, workflow, stored)
        self.given = Given(config, layout, self.weights)
        self.data = Data(config, layout, self.given, workflow)
        self.models = Models(config, self.weights, self.given)
        self.generators = Generators(config, self.models)
        self.candidates = Candidates(config, layout, self.data, self.given)
        self.evaluations = Evaluations(config, layout, self.data, self.models, self.candidates)
        self.calibrations = Calibrations(self.evaluations)
        self.searches = Searches(self.evaluations)
        self.baselines = Baselines(config, layout, self.data, self.models, self.weights)
        self.other_baselines = OtherBaselines(self.baselines)
        self.judges = Judges(self.other_baselines, self.given)
        self.tables = Tables(config, layout, self.evaluations, self.given, workflow)
        self.pictures = Pictures(self.tables)
        self.resources = Resources(config, self.evaluations)
        self.curves = Curves(self.tables, self.resources)
        self.notebooks = Notebooks(self.tables, self.pictures, self.curves)
        self.weightings = Weightings(self.tables, self.resources)
        self.probabilities = Probabilities(self.tables, self.resources)
        self.explorers = Explorers(self.tables, self.pictures)

    def wanted(self) -> list[str]:
        """The default targets of `snakemake`: all tables, and the pages of their images."""
        tables = [self.layout.table(table) for table in self.config["tables"]]
        return tables + [self.layout.explorer(table) for table in self.explorers.names()]
