"""The path of every file in the results folder.

The methods turn names into paths, independently of the config; `plan` decides which files a config
asks for. Rules use the same methods for their outputs, with wildcards as names:

>>> layout = Layout("results")
>>> layout.predictions("scenes", "shapes")
'results/predictions/scenes/shapes.parquet'
>>> layout.predictions("{evaluation}", "{dataset}")
'results/predictions/{evaluation}/{dataset}.parquet'
"""

from __future__ import annotations

from dataclasses import dataclass

GROUPS = 0
"""The number of the stage that compares groups of classes; it comes before stage 1."""


@dataclass(frozen=True)
class Layout:
    """The files in `results`, the results folder of a config."""

    results: str

    # --- logs and benchmarks of jobs

    @property
    def logs(self) -> str:
        return f"{self.results}/logs"

    @property
    def benchmarks(self) -> str:
        return f"{self.results}/benchmarks/jobs"

    def log(self, job: str) -> str:
        """The log of a job; `job` consists of the rule and its wildcards: `errors/scenes/…`."""
        return f"{self.logs}/{job}.log"

    def benchmark(self, job: str) -> str:
        """Snakemake's benchmark file of a job; `job` as in `log`."""
        return f"{self.benchmarks}/{job}.tsv"

    # --- data

    def given(self, section: str, name: str) -> str:
        """The file that replaces an entry's files with names that Snakemake cannot read."""
        return f"{self.results}/given/{section}/{name}.json"

    def data(self, dataset: str) -> str:
        return f"{self.results}/data/{dataset}.parquet"

    def drawings(self, dataset: str) -> str:
        """The folder with a file for each image that a model drew, for a person to look at."""
        return f"{self.results}/drawings/{dataset}"

    def indices(self, dataset: str) -> str:
        """The positions of an adversarial data set's images in the pool."""
        return f"{self.results}/data/{dataset}-indices.csv"

    def prompts(self, prompts: str) -> str:
        return f"{self.results}/prompts/{prompts}.csv"

    # --- models

    def weights(self, section: str, name: str) -> str:
        """The folder of fetched weights; `section` is `models` or `baselines`."""
        return f"{self.results}/weights/{section}/{name}"

    def digest(self, model: str) -> str:
        """The digest of the weights of a model whose folder lies among the results."""
        return f"{self.results}/weights/digests/{model}.json"

    def model(self, model: str) -> str:
        """The folder of a model that is trained here, or of one with a merged LoRA."""
        return f"{self.results}/models/{model}"

    def network(self, network: str) -> str:
        """The folder of a baseline METHOD/PROMPTS that is trained here."""
        return f"{self.results}/baselines/{network}"

    # --- errors and their inputs

    def noise(self, shape: str, seed: str | int) -> str:
        return f"{self.results}/noise/{shape}-seed{seed}.safetensors"

    def latents(self, model: str, dataset: str, shard: str | int) -> str:
        return f"{self.results}/latents/{model}/{dataset}/{shard}.safetensors"

    def conditions(self, model: str, prompts: str) -> str:
        return f"{self.results}/conditions/{model}/{prompts}.safetensors"

    def timesteps(self, evaluation: str, prompts: str) -> str:
        """The learned density of timesteps."""
        return f"{self.results}/timesteps/{evaluation}/{prompts}.csv"

    def searched(self, evaluation: str, prompts: str, dataset: str, shard: str | int) -> str:
        """The scores of a search for a shard's images, and its costs."""
        return f"{self.results}/searches/{evaluation}/{prompts}/{dataset}/{shard}.parquet"

    def learned(self, evaluation: str, prompts: str) -> str:
        """What a search learned before it looked at any other image."""
        return f"{self.results}/searches/{evaluation}/{prompts}/learned.safetensors"

    def pairs(self, evaluation: str, dataset: str, stage: str | int, shard: str | int) -> str:
        return f"{self.results}/pairs/{evaluation}/{dataset}/stage{stage}/{shard}.parquet"

    def errors(
        self, evaluation: str, dataset: str, stage: str | int, shard: str | int, part: str | int
    ) -> str:
        folder = f"{self.results}/errors/{evaluation}/{dataset}/stage{stage}"
        return f"{folder}/{shard}-{part}.nc"

    # --- predictions, similarities and pictures

    def predictions(self, method: str, dataset: str) -> str:
        return f"{self.results}/predictions/{method}/{dataset}.parquet"

    def shard_predictions(self, evaluation: str, dataset: str, shard: str | int) -> str:
        """The predictions of one of several shards."""
        return f"{self.results}/predictions/{evaluation}/{dataset}/{shard}.parquet"

    def rankings(self, evaluation: str, dataset: str) -> str:
        """The ranked classes of each image, and their errors over timesteps."""
        return f"{self.results}/rankings/{evaluation}/{dataset}.nc"

    def shard_rankings(self, evaluation: str, dataset: str, shard: str | int) -> str:
        """The rankings of one of several shards."""
        return f"{self.results}/rankings/{evaluation}/{dataset}/{shard}.nc"

    def caption_rankings(self, evaluation: str, dataset: str) -> str:
        """The ranked captions of each image, of those that its items have."""
        return f"{self.results}/caption-rankings/{evaluation}/{dataset}.nc"

    def similarities(self, method: str, dataset: str) -> str:
        return f"{self.results}/similarities/{method}/{dataset}.parquet"

    def spatial(self, table: str) -> str:
        """Error maps over the images that a table shows."""
        return f"{self.results}/spatial/{table}.nc"

    def reconstructions(self, table: str) -> str:
        """The reconstructed images that a table shows."""
        return f"{self.results}/reconstructions/{table}.nc"

    def timestep_weights(self, weighting: str, dataset: str) -> str:
        """The weights of timesteps that were learned on a few images of a data set."""
        return f"{self.results}/timestep-weights/{weighting}/{dataset}.csv"

    def matching_weights(self, weighting: str, dataset: str) -> str:
        """The weights of timesteps that were learned on a few items of matching tasks."""
        return f"{self.results}/timestep-weights/{weighting}/matching/{dataset}.csv"

    # --- tables

    def scores(self, table: str, what: str = "") -> str:
        """A table's scores; by `what`, which images are `correct`, or `paired` comparisons."""
        return f"{self.results}/scores/{table}{what and '-' + what}.parquet"

    def curves(self, table: str) -> str:
        """The curves of a table over timesteps and numbers of evaluations."""
        return f"{self.results}/curves/{table}.parquet"

    def scores_csv(self, table: str) -> str:
        return f"{self.results}/scores/{table}.csv"

    def explorer(self, table: str) -> str:
        """The page on which a table's images can be looked at."""
        return f"{self.results}/explorer/{table}.html"

    def report_explorer(self, table: str) -> str:
        """The same with fewer images, for the report."""
        return f"{self.results}/explorer/report/{table}.html"

    def table(self, table: str) -> str:
        """The folder of a table: page, numbers, figures and provenance."""
        return f"{self.results}/tables/{table}"
