"""Keep the best classes of every image for the next stage.

In: the errors of all stages so far, the prompts, and the pairs of the last stage, or the data set
if that stage had all candidates. Out: the pairs that stay, `image, prompt`.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.selection.candidates import shard_candidates
    from diffusion_classifier.selection.pruning import survivors

    params, given = snakemake.params, snakemake.input
    stages = [files.read_dataset(path) for path in given.errors]
    prompts = read_prompts(given.prompts)
    if given.pairs:
        candidates = files.read_parquet(given.pairs)
    else:
        shard = int(snakemake.wildcards.shard)
        candidates = shard_candidates(read_labels(given.data), prompts, shard, params.shards)
    pairs = survivors(
        stages,
        candidates,
        prompts["classidx"].to_numpy(),
        params.keep,
        params.loss,
        params.combine,
    )
    files.write_parquet(pairs, snakemake.output[0])
