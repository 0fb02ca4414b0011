"""List the pairs of a shard's first stage: every image with every prompt.

In: a data set, its prompts. Out: `image, prompt` (positions in the two).
"""

from job import job

with job(snakemake):
    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.datasets.sharding import shard
    from diffusion_classifier.prompts import check_labels, read_prompts

    data = files.read_parquet(snakemake.input.data, columns=["image", "label", "classname"])
    prompts = read_prompts(snakemake.input.prompts)
    check_labels(prompts, data, snakemake.wildcards.dataset)
    data = shard(data, int(snakemake.wildcards.shard), snakemake.params.shards)
    pairs = data[["image"]].merge(pd.DataFrame({"prompt": range(len(prompts))}), how="cross")
    files.write_parquet(pairs.astype("int64"), snakemake.output[0])
