"""Classify by a race whose rule is a paired t-test (Clark & Jaini 2023), for comparison.

In: prompts, data, latents, conditions, noise, the model. Out: predictions.
"""

from job import compute, engine_inputs, job

with job(snakemake) as snakemake:
    import time
    from functools import partial

    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.policies import PairedTTest
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.engine.engine import Engine
    from diffusion_classifier.engine.error_files import error_dataset
    from diffusion_classifier.engine.samples import Sample
    from diffusion_classifier.progress import Silence
    from diffusion_classifier.selection.candidates import candidates
    from diffusion_classifier.selection.pruning import prediction_table
    from diffusion_classifier.selection.racing import race

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    settings, prompts = params.race, read_prompts(given.prompts)
    class_of, data = prompts["classidx"].to_numpy(), read_labels(given.data)
    pairs = candidates(data, prompts)
    samples = [Sample(*sample) for sample in settings["samples"]]
    inputs = engine_inputs(given)
    denoiser = family(settings["family"]).load(settings["folder"], device, dtype)

    start = time.perf_counter()
    engine = Engine(denoiser, inputs, settings["batch_size"], device, dtype)
    measure, rule = partial(engine.errors, progress=Silence()), PairedTTest(settings["cutoff"])
    errors = race(measure, pairs, samples, class_of, rule, settings["minimum"], settings["loss"])
    record = {"seconds": time.perf_counter() - start}
    stage = error_dataset(errors, pairs, samples, record)
    table = prediction_table([stage], pairs, class_of, data[["image", "label"]])
    files.write_parquet(table[table["loss"] == settings["loss"]], snakemake.output[0])
