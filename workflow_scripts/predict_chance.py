"""Guess the class of every image: what an accuracy has to be compared with.

In: a data set and its prompts for each output. Out: predictions, one file per seed and data set.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.baselines.answers import prediction_table
    from diffusion_classifier.baselines.chance import guess
    from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts

    given = snakemake.input
    asked = (given.data, given.prompts, snakemake.params.seeds, snakemake.output)
    for path, prompts, seed, output in zip(*asked, strict=True):
        data = files.read_parquet(path, columns=["image", "label"])
        classes = named_prompts(read_prompts(prompts))["classidx"].nunique()
        predictions, scores = guess(data, classes, seed)
        table = prediction_table(data, predictions, scores, seconds=0.0)
        files.write_parquet(table.assign(evaluations=0.0), output)
