"""Guess the class of every image: what an accuracy has to be compared with.

In: the data sets, their prompts. Out: predictions, one file per data set.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.baselines.chance import guess
    from diffusion_classifier.baselines.tables import prediction_table
    from diffusion_classifier.prompts import named_prompts, read_prompts

    paths = zip(snakemake.input.data, snakemake.input.prompts, snakemake.output, strict=True)
    for path, prompts, output in paths:
        data = files.read_parquet(path, columns=["image", "label"])
        classes = named_prompts(read_prompts(prompts))["classidx"].nunique()
        predictions, scores = guess(data, classes, snakemake.params.seed)
        table = prediction_table(data, predictions, scores, seconds=0.0)
        files.write_parquet(table.assign(evaluations=0.0), output)
