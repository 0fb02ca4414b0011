"""Read the errors of all stages: the predicted class of every image under every loss.

In: all error files of an evaluation on a data set, those of its groups if it has any, the pairs of
its last stage, the prompts, the data set. Out: predictions, one row per image and loss.
"""

from job import job

with job(snakemake):
    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.prompts import read_prompts
    from diffusion_classifier.pruning import prediction_table

    class_of = read_prompts(snakemake.input.prompts)["classidx"].to_numpy()
    labels = files.read_parquet(snakemake.input.data, columns=["image", "label"])
    errors, pairs = list(snakemake.input.errors), list(snakemake.input.pairs)
    coarse = list(snakemake.input.coarse)
    of_shard, of_groups = len(errors) // len(pairs), len(coarse) // len(pairs)
    tables = []
    # shard by shard: all errors of a large evaluation at once would fill the memory
    for shard, path in enumerate(pairs):
        stages = [files.read_dataset(file) for file in errors[shard * of_shard :][:of_shard]]
        candidates = files.read_parquet(path)
        own = labels[labels["image"].isin(candidates["image"])]
        spent = [files.read_dataset(file) for file in coarse[shard * of_groups :][:of_groups]]
        options = snakemake.params.combine, snakemake.params.pruning
        tables.append(prediction_table(stages, candidates, class_of, own, *options, spent))
    files.write_parquet(pd.concat(tables, ignore_index=True), snakemake.output[0])
