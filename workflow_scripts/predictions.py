"""Read the errors of all stages: the predicted class of every image under every loss.

In: all error files of an evaluation on a data set, those of its groups if it has any, the pairs of
its last stage, the prompts, the data set. Out: predictions, one row per image and loss.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.selection.pruning import prediction_table

    given, params = snakemake.input, snakemake.params
    class_of = read_prompts(given.prompts)["classidx"].to_numpy()
    labels = files.read_parquet(given.data, columns=["image", "label"])

    def of_shards():
        """Shard by shard: all errors of a large evaluation at once would fill the memory."""
        errors, coarse = list(given.errors), list(given.coarse)
        of_shard, of_groups = len(errors) // len(given.pairs), len(coarse) // len(given.pairs)
        for shard, path in enumerate(given.pairs):
            stages = [files.read_dataset(file) for file in errors[shard * of_shard :][:of_shard]]
            spent = [files.read_dataset(file) for file in coarse[shard * of_groups :][:of_groups]]
            candidates = files.read_parquet(path)
            own = labels[labels["image"].isin(candidates["image"])]
            options = params.combine, params.pruning
            yield prediction_table(stages, candidates, class_of, own, *options, spent)

    files.write_parquet_pieces(of_shards(), snakemake.output[0])
