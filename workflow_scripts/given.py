"""Write the identity of a user's files whose names Snakemake cannot have as inputs.

In: nothing (Snakemake does not know the files). Out: JSON, the number of files and a digest.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files

    files.write_json(snakemake.params.identity, snakemake.output[0])
