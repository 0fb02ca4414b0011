"""Train a baseline network (ResNet or ViT) on a set of labelled images.

In: the training images, the prompts that name their classes. Out: the network's folder in the
layout of transformers, with `training.json` (the whole recipe, seconds, versions) and
`loss_curve.csv` beside the weights.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import time
    from pathlib import Path

    import pandas as pd
    import torch

    from diffusion_classifier import files
    from diffusion_classifier.baselines import small_networks
    from diffusion_classifier.data.preprocess import Preprocess, pixels
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.training.augment import Augmentation
    from diffusion_classifier.training.loop import Optimisation, training_record

    device, _ = compute(snakemake)
    spec, seed = snakemake.params.spec, snakemake.params.seed
    data = files.read_parquet(snakemake.input.data)
    check_labels(read_prompts(snakemake.input.prompts), data, Path(snakemake.input.data).stem)
    start = time.perf_counter()
    network, curve = small_networks.train(
        spec["kind"],
        spec["params"],
        pixels(data, Preprocess(**spec["preprocess"])).to(device),
        torch.tensor(data["label"].tolist(), device=device),
        Optimisation(**{**spec["optimisation"], "seed": seed}),
        Augmentation(**spec.get("augmentation", {})),
    )
    seconds = time.perf_counter() - start
    recipe = {"recipe": spec, "data": snakemake.params.data, "seed": seed}
    with files.atomic_folder(snakemake.output.folder) as folder:
        small_networks.save(network, folder)
        files.write_csv(pd.DataFrame(curve), folder / "loss_curve.csv")
        record = training_record(recipe, network, len(data), seconds, device)
        files.write_json(record, folder / "training.json")
