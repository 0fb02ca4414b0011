"""Predict and rank the classes of every image of a shard under every loss, from all its errors.

In: the errors of all stages and of the stage of groups, and the table of the search, if there is
one; the pairs of the last stage, or the data set if that stage had all candidates; the prompts.
Out: predictions, one row per image and loss; rankings of the classes (NetCDF).
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.selection.candidates import shard_candidates
    from diffusion_classifier.selection.pruning import prediction_table
    from diffusion_classifier.selection.rankings import Errors, rankings

    COST = ["image", "evaluations", "seconds"]
    given, params = snakemake.input, snakemake.params
    prompts, data = read_prompts(given.prompts), read_labels(given.data)
    if given.pairs:
        candidates = files.read_parquet(given.pairs)
    else:
        shard = int(snakemake.wildcards.get("shard", 0))
        candidates = shard_candidates(data, prompts, shard, params.shards)
    stages = [files.read_dataset(path) for path in given.errors]
    class_of = prompts["classidx"].to_numpy()
    table = prediction_table(
        stages,
        candidates,
        class_of,
        data.loc[data["image"].isin(candidates["image"]), ["image", "label"]],
        params.combine,
        params.pruning,
        [files.read_dataset(path) for path in given.group_errors],
        files.read_parquet(given.searched, COST) if given.searched else None,
    )
    of_loss = table.pivot(index="image", columns="loss", values="prediction")
    winners = {loss: of_loss[loss].to_numpy() for loss in of_loss if loss != "pruning"}
    read = Errors(class_of, params.combine)
    found = rankings(stages, of_loss.index.to_numpy(), winners, read)
    files.write_dataset(found, snakemake.output.rankings)
    files.write_parquet(table, snakemake.output.predictions)
