"""Classify every test set with the probe that was fitted for its set of prompts.

In: the probes of all sets of prompts, the model, the data sets and their latents. Out:
predictions, one file per data set.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import time
    from itertools import islice

    from diffusion_classifier import files
    from diffusion_classifier.baselines import features
    from diffusion_classifier.baselines.answers import prediction_table
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.engine.encoders import read_latents

    device, dtype = compute(snakemake)
    params = snakemake.params
    probes = dict(zip(params.tasks, map(features.load, snakemake.input.probes), strict=True))
    shards = iter(snakemake.input.latents)
    sets = (snakemake.input.data, params.task_of, params.shards, snakemake.output)
    for path, task, count, output in zip(*sets, strict=True):
        data, probe = read_labels(path), probes[task]
        start = time.perf_counter()
        latents, _ = read_latents(islice(shards, count))
        settings = ([probe.timestep], [probe.layer], device, dtype, params.seed)
        found = features.unet_features(params.folder, latents, *settings)
        predictions, scores = probe.predict(found, int(probe.classes.max()) + 1)
        seconds = time.perf_counter() - start
        files.write_parquet(prediction_table(data, predictions, scores, seconds), output)
