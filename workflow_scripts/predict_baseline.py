"""Classify data sets by a baseline of any kind.

In: the data sets, their prompts, and what the baseline needs of a model, latents, training images
or what it has learned. Out: predictions, one file per question.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.baselines.answers import Question, predict
    from diffusion_classifier.baselines.baseline import Setting
    from diffusion_classifier.baselines.registry import baseline

    device, dtype = compute(snakemake)
    params = snakemake.params
    questions = [Question(**question) for question in params.questions]
    setting = Setting(params.spec, device, dtype, **params.setting)
    tables = predict(baseline(params.spec["kind"]), setting, questions)
    for table, output in zip(tables, snakemake.output, strict=True):
        files.write_parquet(table, output)
