"""Sample a data set from a diffusion model, with the same number of images for each class.

In: the prompts, the model. Out: a data set.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.baselines.synthetic import sample_images
    from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts

    device, dtype = compute(snakemake)
    params = snakemake.params
    images = sample_images(
        params.folder,
        named_prompts(read_prompts(snakemake.input.prompts)),
        **params.sampling,
        size=params.size,
        seed=params.seed,
        truncate=params.truncate,
        device=device,
        dtype=dtype,
    )
    files.write_parquet(images, snakemake.output[0])
