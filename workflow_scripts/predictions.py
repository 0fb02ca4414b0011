"""Read the errors of all stages: the predicted class of every image under every loss.

In: all error files of an evaluation on a data set, the pairs of its last stage, the prompts,
the data set. Out: predictions, one row per image and loss.
"""

from job import job

with job(snakemake):
    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.prompts import read_prompts
    from diffusion_classifier.pruning import prediction_table

    predictions = prediction_table(
        [files.read_dataset(path) for path in snakemake.input.errors],
        pd.concat(map(files.read_parquet, snakemake.input.pairs)),
        read_prompts(snakemake.input.prompts)["classidx"].to_numpy(),
        files.read_parquet(snakemake.input.data, columns=["image", "label"]),
        snakemake.params.combine,
    )
    files.write_parquet(predictions, snakemake.output[0])
