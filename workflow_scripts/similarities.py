"""Turn errors into similarities of images and prompts.

In: all error files of an evaluation on a data set. Out: `image, prompt, loss, score, evaluations,
seconds`, one row per pair and loss.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.scores.compositional import similarities

    errors = [files.read_dataset(path) for path in snakemake.input.errors]
    files.write_parquet(similarities(errors), snakemake.output[0])
