"""Predict the class of every image of a shard under every loss, from the errors of all stages.

In: the errors of all stages and of the stage of groups, and the table of the search, if there is
one; the pairs of the last stage, or the data set if that stage had all candidates; the prompts.
Out: predictions, one row per image and loss.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.selection.candidates import shard_candidates
    from diffusion_classifier.selection.pruning import prediction_table

    COST = ["image", "evaluations", "seconds"]
    given, params = snakemake.input, snakemake.params
    prompts, data = read_prompts(given.prompts), read_labels(given.data)
    if given.pairs:
        candidates = files.read_parquet(given.pairs)
    else:
        shard = int(snakemake.wildcards.get("shard", 0))
        candidates = shard_candidates(data, prompts, shard, params.shards)
    table = prediction_table(
        [files.read_dataset(path) for path in given.errors],
        candidates,
        prompts["classidx"].to_numpy(),
        data.loc[data["image"].isin(candidates["image"]), ["image", "label"]],
        params.combine,
        params.pruning,
        [files.read_dataset(path) for path in given.group_errors],
        files.read_parquet(given.searched, COST) if given.searched else None,
    )
    files.write_parquet(table, snakemake.output[0])
