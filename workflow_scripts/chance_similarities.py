"""Random similarities: what the scores of compositional reasoning have to be compared with.

In: a data set, its prompts. Out: `image, prompt, loss, score, evaluations, seconds`.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.scores.compositional import chance_similarities

    data = read_labels(snakemake.input.data)
    prompts = read_prompts(snakemake.input.prompts)
    scored = chance_similarities(data, prompts, snakemake.params.seed)
    files.write_parquet(scored, snakemake.output[0])
