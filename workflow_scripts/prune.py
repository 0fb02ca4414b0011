"""Keep the best classes of every image for the next stage.

In: the errors of all stages so far, the pairs of the last one, the prompts. Out: the pairs
that stay, `image, prompt`.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.selection.pruning import survivors

    params = snakemake.params
    stages = [files.read_dataset(path) for path in snakemake.input.errors]
    pairs = survivors(
        stages,
        files.read_parquet(snakemake.input.pairs),
        read_prompts(snakemake.input.prompts)["classidx"].to_numpy(),
        params.keep,
        params.loss,
        params.combine,
    )
    files.write_parquet(pairs, snakemake.output[0])
