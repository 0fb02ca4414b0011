"""Train a baseline network (ResNet or ViT) on a set of labelled images.

In: the training images, the prompts that name their classes. Out: the network's folder in the
layout of transformers, with `training.json` (the whole recipe, seconds, versions) and
`loss_curve.csv` beside the weights.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import time

    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.baselines.answers import Question, fit
    from diffusion_classifier.baselines.baseline import Setting
    from diffusion_classifier.baselines.trained_networks import ResNet
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.training.loop import training_record

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    setting = Setting(params.spec, device, dtype, params.seed)
    start = time.perf_counter()
    question = Question("", given.prompts, train=given.data)
    trained = fit(ResNet, setting, question)  # a ViT learns in the same way, by its `kind`
    seconds = time.perf_counter() - start
    recipe = {"recipe": params.spec, "data": params.data, "seed": params.seed}
    images = len(read_labels(given.data))
    with files.atomic_folder(snakemake.output.folder) as folder:
        trained.save(folder)
        files.write_csv(pd.DataFrame(trained.curve), folder / "loss_curve.csv")
        record = training_record(recipe, trained.network, images, seconds, device)
        files.write_json(record, folder / "training.json")
