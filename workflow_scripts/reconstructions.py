"""Denoise some images from several noise levels in one step, given the right and a wrong prompt.

In: data, prompts, latents, conditions, noise, the model. Out: NetCDF, as the library's
`one_step.reconstruct` returns it, with the texts of the prompts.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.engine.one_step import chosen_prompts, reconstruct

    device, dtype = compute(snakemake)
    params = snakemake.params
    chosen = params.reconstructed
    prompts = read_prompts(snakemake.input.prompts)
    shard = files.read_tensors(snakemake.input.latents)
    data = files.read_parquet(snakemake.input.data, columns=["image", "label"])
    data = data[data["image"].isin(shard["image"].tolist())].head(chosen["images"])
    right_and_wrong = chosen_prompts(data["label"].to_numpy(), prompts["classidx"].to_numpy())
    denoiser = family(params.family).load(params.folder, device, dtype)
    found = reconstruct(
        denoiser,
        params.folder,
        shard["latents"][: len(data)],
        files.read_tensors(snakemake.input.conditions),
        right_and_wrong,
        files.read_tensors(snakemake.input.noise)["noise"],
        chosen["timesteps"],
        device,
        dtype,
        params.family,
    )
    texts = prompts["prompt"].to_numpy(dtype=str)[right_and_wrong]
    found = found.assign_coords(image=data["image"].to_numpy())
    found = found.assign(right=("image", texts[:, 0]), wrong=("image", texts[:, 1]))
    files.write_dataset(found, snakemake.output[0])
