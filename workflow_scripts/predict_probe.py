"""Classify every test set with the probe that was fitted for its set of prompts.

In: the probes of all sets of prompts, the model, the data sets and their latents. Out:
predictions, one file per data set.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from itertools import islice

    from diffusion_classifier import files
    from diffusion_classifier.baselines.answers import Question, predict
    from diffusion_classifier.baselines.baseline import Setting
    from diffusion_classifier.baselines.probe import FeatureProbe

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    fitted = dict(zip(params.tasks, given.probes, strict=True))
    shards = iter(given.latents)
    questions = [
        Question(path, "", task, [*islice(shards, count)], fitted[task])
        for path, task, count in zip(given.data, params.task_of, params.shards, strict=True)
    ]
    setting = Setting({}, device, dtype, folder=params.folder, noise_seed=params.seed)
    tables = predict(FeatureProbe, setting, questions)
    for table, output in zip(tables, snakemake.output, strict=True):
        files.write_parquet(table, output)
