"""Learn once what a search needs to know, from labelled images that are no test images.

In: these images, their latents, prompts, conditions, noise, the model; the density of learned
timesteps. Out: the tensors that `Search.learn` returns.
"""

from job import compute, job, opened_search

with job(snakemake) as snakemake:
    from pathlib import Path

    import torch

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.denoisers.speed import Speed, accelerate

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    prompts, data = read_prompts(given.prompts), read_labels(given.data)
    check_labels(prompts, data, Path(given.data).stem)
    denoiser = family(params.family).load(params.folder, device, dtype)
    accelerate(denoiser, Speed(**params.speed), 0)
    search = opened_search(snakemake, prompts, denoiser, device, dtype)
    labels = data.set_index("image").loc[search.tools.images, "label"].to_numpy()
    found = {name: torch.from_numpy(value) for name, value in search.learn(labels).items()}
    files.write_tensors(found, snakemake.output[0])
