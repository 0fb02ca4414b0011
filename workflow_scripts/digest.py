"""Compute the digest of a model's weights, which provenance shows.

In: the folder of a model. Out: JSON, the `sha256` of the library's `weights_digest`.
"""

from job import job

with job(snakemake) as snakemake:
    from pathlib import Path

    from diffusion_classifier.files import write_json
    from diffusion_classifier.operations.table_provenance import weights_digest

    write_json({"sha256": weights_digest(Path(snakemake.params.folder))}, snakemake.output[0])
