"""Guess the class of every image, as a baseline for the other methods.

In: a data set and its prompts for each output. Out: predictions, one file per seed and data set,
and similarities of captions and images if a table compares those.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.baselines.answers import prediction_table
    from diffusion_classifier.baselines.chance import guess
    from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.scores.compositional import chance_similarities

    given = snakemake.input
    guesses = (given.data, given.prompts, snakemake.params.seeds, snakemake.output.predictions)
    for path, prompts, seed, output in zip(*guesses, strict=True):
        data = files.read_parquet(path, columns=["image", "label"])
        classes = named_prompts(read_prompts(prompts))["classidx"].nunique()
        predictions, scores = guess(data, classes, seed)
        table = prediction_table(data, predictions, scores, seconds=0.0)
        files.write_parquet(table.assign(evaluations=0.0), output)

    compared = (given.compared_data, given.compared_prompts, snakemake.params.compared_seeds)
    for path, prompts, seed, output in zip(*compared, snakemake.output.similarities, strict=True):
        scored = chance_similarities(read_labels(path), read_prompts(prompts), seed)
        files.write_parquet(scored, output)
