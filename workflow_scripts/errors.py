"""Measure the ε-prediction error of every pair of a shard's class part at a stage's samples.

In a race, classes leave during the job. A killed job resumes where its journal ends.
In: the pairs, or the data set if each of its images is paired with all prompts; latents,
conditions, the noise bank, the model; the density of learned timesteps; for a race, the errors of
earlier stages. Out: NetCDF, dims `pair, sample`, one variable per loss.
"""

from job import compute, engine_inputs, job

with job(snakemake) as snakemake:
    import time
    from dataclasses import asdict
    from functools import partial
    from importlib.metadata import version

    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.denoisers.speed import Speed, accelerate
    from diffusion_classifier.engine.engine import Engine
    from diffusion_classifier.engine.error_files import class_part, error_dataset
    from diffusion_classifier.engine.journal import INTERVAL, Journal, fingerprint, journal_of
    from diffusion_classifier.engine.samples import Sample
    from diffusion_classifier.progress import Silence
    from diffusion_classifier.selection.candidates import shard_candidates
    from diffusion_classifier.selection.learned_timesteps import learned_samples
    from diffusion_classifier.selection.racing import gap_race

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    prompts = read_prompts(given.prompts)
    if given.pairs:
        pairs = files.read_parquet(given.pairs)
    else:
        data = read_labels(given.data)
        check_labels(prompts, data, snakemake.wildcards.dataset)
        pairs = shard_candidates(data, prompts, int(snakemake.wildcards.shard), params.shards)
    pairs = class_part(pairs, prompts, int(snakemake.wildcards.part), params.parts)
    inputs = engine_inputs(given)
    densities = pd.read_csv(given.timesteps) if given.timesteps else None
    if densities is None:
        samples = [Sample(*sample) for sample in params.samples]
    else:
        stages = learned_samples(densities, params.samples, params.loss)
        samples = stages[int(snakemake.wildcards.stage) - 1]
    denoiser = family(params.family).load(params.folder, device, dtype)
    speed = accelerate(denoiser, Speed(**params.speed), len(pairs) * len(samples))

    start = time.perf_counter()
    identity = fingerprint(given, [dict(params.items()), str(device), snakemake.output[0]])
    interval = snakemake.config["compute"].get("journal", INTERVAL)  # does not affect the result
    journal = Journal(journal_of(snakemake.output[0]), identity, interval)
    engine = Engine(denoiser, inputs, params.batch_size, device, dtype, journal)
    if params.race is None:
        errors = engine.errors(pairs, samples)
    else:
        earlier = [files.read_dataset(path) for path in given.earlier]
        class_of = prompts["classidx"].to_numpy()
        measure = partial(engine.errors, progress=Silence())  # the race shows progress itself
        errors = gap_race(measure, pairs, samples, class_of, params.race, earlier, densities)
    record = {
        "seconds": journal.seconds + time.perf_counter() - start,
        "device": str(device),
        "dtype": str(dtype).removeprefix("torch."),
        **{key: str(value).lower() for key, value in asdict(speed).items()},
        "code": params.code,
        **{name: version(name) for name in ("torch", "diffusers")},
    }
    files.write_dataset(error_dataset(errors, pairs, samples, record), snakemake.output[0])
    journal.close()
