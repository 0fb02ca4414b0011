"""List the pairs of a shard's first stage: every image with the prompts it is asked about.

In: a data set, its prompts. Out: `image, prompt` (positions in the two).
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.datasets.sharding import shard
    from diffusion_classifier.datasets.stored import read_labels
    from diffusion_classifier.pairs import candidates
    from diffusion_classifier.prompts import check_labels, read_prompts

    data = read_labels(snakemake.input.data)
    prompts = read_prompts(snakemake.input.prompts)
    check_labels(prompts, data, snakemake.wildcards.dataset)
    pairs = candidates(data, prompts)
    own = shard(data, int(snakemake.wildcards.shard), snakemake.params.shards)["image"]
    files.write_parquet(pairs[pairs["image"].isin(own)], snakemake.output[0])
