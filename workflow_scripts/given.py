"""Write what identifies a user's files that are no inputs of rules, because of their names.

In: nothing that Snakemake knows of. Out: JSON, how many files they are and a digest.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files

    files.write_json(snakemake.params.identity, snakemake.output[0])
