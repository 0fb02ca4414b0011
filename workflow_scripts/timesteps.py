"""Learn at which timesteps classes differ: the density of an evaluation's samples.

In: calibration images, their latents, conditions, noise, the model. Out: CSV, the density and the
spread of error differences by loss and timestep.
"""

from job import compute, engine_inputs, job

with job(snakemake) as snakemake:
    from pathlib import Path

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.denoisers.speed import Speed, accelerate
    from diffusion_classifier.engine.engine import epsilon_errors
    from diffusion_classifier.engine.error_files import error_dataset
    from diffusion_classifier.selection.candidates import calibration_pairs
    from diffusion_classifier.selection.learned_timesteps import fit_densities
    from diffusion_classifier.selection.schedules import stage_samples

    device, dtype = compute(snakemake)
    params = snakemake.params
    prompts = read_prompts(snakemake.input.prompts)
    data = read_labels(snakemake.input.data)
    check_labels(prompts, data, Path(snakemake.input.data).stem)
    pairs = calibration_pairs(data, prompts, params.classes)
    inputs = engine_inputs(snakemake.input)
    samples = stage_samples([params.samples])[0]
    denoiser = family(params.family).load(params.folder, device, dtype)
    accelerate(denoiser, Speed(**params.speed), len(pairs) * len(samples))
    errors = epsilon_errors(denoiser, inputs, pairs, samples, params.batch_size, device, dtype)
    found = error_dataset(errors, pairs, samples, {})
    densities = fit_densities(found, denoiser.process.timesteps, params.uniform)
    files.write_csv(densities, snakemake.output[0])
