"""List the pairs of a shard's first stage: every image with its candidate prompts.

In: a data set, its prompts; the predictions of the prior or the scores of the search, if there is
one, and those of calibration images if it has a risk; after a stage of groups, their pairs, prompts
and errors. Out: `image, prompt`, positions in data set and prompts.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.data.stored_images import read_labels, shard
    from diffusion_classifier.selection.hierarchy import best_groups
    from diffusion_classifier.selection.prior import stored_contenders

    given, params = snakemake.input, snakemake.params
    data = read_labels(given.data)
    prompts = read_prompts(given.prompts)
    check_labels(prompts, data, snakemake.wildcards.dataset)
    images = shard(data, int(snakemake.wildcards.shard), params.shards)["image"]
    pairs = stored_contenders(data, prompts, images, given.prior, given.calibration, **params.prior)
    if params.groups:
        pairs = best_groups(
            pairs,
            prompts,
            files.read_parquet(given.group_pairs),
            read_prompts(given.group_prompts),
            [files.read_dataset(path) for path in given.group_errors],
            **params.groups,
        )
    files.write_parquet(pairs, snakemake.output[0])
