"""Measure the errors of the right and the wrong caption at each latent position of some images.

In: data, prompts, latents, conditions, noise, the model. Out: NetCDF, `error` with dims
`image, prompt, row, column`; prompt is right or wrong.
"""

from job import compute, engine_inputs, job

with job(snakemake) as snakemake:
    import xarray as xr

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.engine.heat_maps import error_maps, right_and_wrong
    from diffusion_classifier.engine.samples import Sample
    from diffusion_classifier.selection.candidates import candidates

    device, dtype = compute(snakemake)
    params = snakemake.params
    prompts = read_prompts(snakemake.input.prompts)
    data = read_labels(snakemake.input.data)
    inputs = engine_inputs(snakemake.input)
    pairs = candidates(data, prompts)
    pairs = pairs[pairs["image"].isin(inputs.images.tolist())]
    pairs = right_and_wrong(pairs, data, prompts, params.examples)
    denoiser = family(params.family).load(params.folder, device, dtype)
    maps = error_maps(
        denoiser,
        inputs,
        pairs,
        [Sample(*sample) for sample in params.samples],
        params.batch_size,
        device,
        dtype,
    )
    found = xr.Dataset(
        {"error": (("image", "prompt", "row", "column"), maps.reshape(-1, 2, *maps.shape[1:]))},
        {"image": pairs["image"].to_numpy()[::2], "prompt": ["right", "wrong"]},
    )
    files.write_dataset(found, snakemake.output[0])
