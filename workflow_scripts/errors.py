"""Measure the ε-prediction error of every pair of a shard's class part at a stage's samples.

In: pairs, latents, conditions, the noise bank, the model. Out: NetCDF, dims `pair, sample`,
one variable per loss.
"""

from job import compute, job

with job(snakemake):
    import time

    from diffusion_classifier import files
    from diffusion_classifier.denoisers import family
    from diffusion_classifier.error_files import class_part, error_dataset
    from diffusion_classifier.errors import Inputs, epsilon_errors
    from diffusion_classifier.prompts import read_prompts
    from diffusion_classifier.schedules import Sample

    device, dtype = compute(snakemake)
    params = snakemake.params
    prompts = read_prompts(snakemake.input.prompts)
    pairs = files.read_parquet(snakemake.input.pairs)
    pairs = class_part(pairs, prompts, int(snakemake.wildcards.part), params.parts)
    shard = files.read_tensors(snakemake.input.latents)
    inputs = Inputs(
        shard["latents"],
        shard["image"],
        files.read_tensors(snakemake.input.conditions),
        files.read_tensors(snakemake.input.noise)["noise"],
    )
    samples = [Sample(*sample) for sample in params.samples]
    denoiser = family(params.family).load(params.folder, device, dtype)
    start = time.perf_counter()
    errors = epsilon_errors(denoiser, inputs, pairs, samples, params.batch_size, device, dtype)
    record = {
        "seconds": time.perf_counter() - start,
        "device": str(device),
        "dtype": params.dtype,
    }
    files.write_dataset(error_dataset(errors, pairs, samples, record), snakemake.output[0])
