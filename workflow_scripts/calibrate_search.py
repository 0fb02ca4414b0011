"""Learn how far behind the best class the true one may be after a search.

In: calibration images, their latents, the prompts and conditions, noise, the model; the density of
learned timesteps. Out: JSON, the threshold for the risk, and what it costs on these images.
"""

from job import compute, engine_inputs, job

with job(snakemake) as snakemake:
    from pathlib import Path

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.denoisers.speed import Speed, accelerate
    from diffusion_classifier.selection.searches import open_search
    from diffusion_classifier.selection.survival import calibrated

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    prompts, data = read_prompts(given.prompts), read_labels(given.data)
    check_labels(prompts, data, Path(given.data).stem)
    denoiser = family(params.family).load(params.folder, device, dtype)
    accelerate(denoiser, Speed(**params.speed), 0)
    searched = open_search(
        params.search,
        denoiser,
        engine_inputs(given),
        prompts,
        files.read_csv(given.timesteps) if given.timesteps else None,
        params.batch_size,
        device,
        dtype,
    )
    labels = data.set_index("image")["label"].loc[searched.tools.images].to_numpy()
    found = calibrated(searched.scores(), labels, params.risk, params.keep)
    files.write_json(found, snakemake.output[0])
