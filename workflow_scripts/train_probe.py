"""Fit linear probes on a diffusion model's features and keep the best layer and timestep.

In: for each set of prompts, the images to train and validate on, and the prompts, which name their
classes; the model. Out: a folder for each.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.baselines.answers import Question, fit
    from diffusion_classifier.baselines.baseline import Setting
    from diffusion_classifier.baselines.probe import FeatureProbe

    params, given = snakemake.params, snakemake.input
    setting = Setting(
        params.spec,
        *compute(snakemake),
        folder=params.folder,
        model={"preprocess": params.preprocess},
        noise_seed=params.seed,
    )
    tasks = zip(given.train, given.validation, given.prompts, snakemake.output, strict=True)
    for train, validation, prompts, output in tasks:
        question = Question("", prompts, train=train, validation=validation)
        with files.atomic_folder(output) as folder:
            fit(FeatureProbe, setting, question).save(folder)
