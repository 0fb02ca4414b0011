"""Where every file of a run lies below the results folder.

Names go in, paths come out, and nothing here asks what a config wants: `plan` does. A rule names
its outputs by the same methods, with a wildcard in the place of a name:

>>> layout = Layout("results")
>>> layout.predictions("scenes", "shapes")
'results/predictions/scenes/shapes.parquet'
>>> layout.predictions("{evaluation}", "{dataset}")
'results/predictions/{evaluation}/{dataset}.parquet'
"""

from __future__ import annotations

from dataclasses import dataclass

GROUPS = 0
"""The stage in which an evaluation asks about groups of classes: before the first."""


@dataclass(frozen=True)
class Layout:
    """The files below `results`, the folder that a config names."""

    results: str

    # --- what Snakemake writes about jobs

    @property
    def logs(self) -> str:
        return f"{self.results}/logs"

    @property
    def benchmarks(self) -> str:
        return f"{self.results}/benchmarks/jobs"

    def log(self, job: str) -> str:
        """The log of a job, which is named by its rule and its wildcards: `errors/scenes/…`."""
        return f"{self.logs}/{job}.log"

    def benchmark(self, job: str) -> str:
        """Snakemake's benchmark file of a job, named as in `log`."""
        return f"{self.benchmarks}/{job}.tsv"

    # --- data

    def given(self, section: str, name: str) -> str:
        """What stands for the files of a config's entry that cannot be inputs themselves."""
        return f"{self.results}/given/{section}/{name}.json"

    def data(self, dataset: str) -> str:
        return f"{self.results}/data/{dataset}.parquet"

    def drawings(self, dataset: str) -> str:
        """The folder with a file for each image that a model drew, for a person to look at."""
        return f"{self.results}/drawings/{dataset}"

    def indices(self, dataset: str) -> str:
        """The positions of a chosen data set's images in the pool that they were chosen from."""
        return f"{self.results}/data/{dataset}-indices.csv"

    def prompts(self, prompts: str) -> str:
        return f"{self.results}/prompts/{prompts}.csv"

    # --- models

    def weights(self, section: str, name: str) -> str:
        """The folder of weights that were fetched; `section` is the config's: models, baselines."""
        return f"{self.results}/weights/{section}/{name}"

    def model(self, model: str) -> str:
        """The folder of a model that is trained here, or into which a LoRA was merged."""
        return f"{self.results}/models/{model}"

    def network(self, network: str) -> str:
        """The folder of a baseline METHOD/PROMPTS that is trained here."""
        return f"{self.results}/baselines/{network}"

    # --- errors, and what they are measured with

    def noise(self, shape: str, seed: str | int) -> str:
        return f"{self.results}/noise/{shape}-seed{seed}.safetensors"

    def latents(self, model: str, dataset: str, shard: str | int) -> str:
        return f"{self.results}/latents/{model}/{dataset}/{shard}.safetensors"

    def conditions(self, model: str, prompts: str) -> str:
        return f"{self.results}/conditions/{model}/{prompts}.safetensors"

    def timesteps(self, evaluation: str, prompts: str) -> str:
        """The learned density of timesteps."""
        return f"{self.results}/timesteps/{evaluation}/{prompts}.csv"

    def pairs(self, evaluation: str, dataset: str, stage: str | int, shard: str | int) -> str:
        return f"{self.results}/pairs/{evaluation}/{dataset}/stage{stage}/{shard}.parquet"

    def errors(
        self, evaluation: str, dataset: str, stage: str | int, shard: str | int, part: str | int
    ) -> str:
        folder = f"{self.results}/errors/{evaluation}/{dataset}/stage{stage}"
        return f"{folder}/{shard}-{part}.nc"

    # --- answers

    def predictions(self, method: str, dataset: str) -> str:
        return f"{self.results}/predictions/{method}/{dataset}.parquet"

    def shard_predictions(self, evaluation: str, dataset: str, shard: str | int) -> str:
        """The predictions of one of several shards."""
        return f"{self.results}/predictions/{evaluation}/{dataset}/{shard}.parquet"

    def similarities(self, method: str, dataset: str) -> str:
        return f"{self.results}/similarities/{method}/{dataset}.parquet"

    def spatial(self, table: str) -> str:
        """Maps of the error over the images that a table shows."""
        return f"{self.results}/spatial/{table}.nc"

    def reconstructions(self, table: str) -> str:
        """The reconstructed images that a table shows."""
        return f"{self.results}/reconstructions/{table}.nc"

    # --- tables

    def scores(self, table: str, what: str = "") -> str:
        """A table's scores or, by `what`, the images that are right, or paired comparisons."""
        return f"{self.results}/scores/{table}{what and '-' + what}.parquet"

    def scores_csv(self, table: str) -> str:
        return f"{self.results}/scores/{table}.csv"

    def table(self, table: str) -> str:
        """The folder of a table: its page, its numbers, its figures, where they come from."""
        return f"{self.results}/tables/{table}"
