"""List the pairs of a shard's stage of groups: every image with the groups' prompts.

Groups without a candidate class of the image are left out. In: a data set, its prompts, its groups'
prompts; the predictions of the prior, if there is one, and those of calibration images if it has a
risk. Out: `image, prompt`, positions in the data set and the groups' prompts.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels, shard
    from diffusion_classifier.selection.hierarchy import group_pairs
    from diffusion_classifier.selection.prior import stored_contenders

    given, params = snakemake.input, snakemake.params
    data = read_labels(given.data)
    prompts = read_prompts(given.prompts)
    images = shard(data, int(snakemake.wildcards.shard), params.shards)["image"]
    pairs = stored_contenders(data, prompts, images, given.prior, given.calibration, **params.prior)
    pairs = group_pairs(pairs, prompts, read_prompts(given.group_prompts), params.of)
    files.write_parquet(pairs, snakemake.output[0])
