"""Fit linear probes on a diffusion model's features and keep the best layer and timestep.

In: for each set of prompts, the images to train and validate on, and the prompts, which name their
classes; the model. Out: a folder for each.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from pathlib import Path

    from diffusion_classifier import files
    from diffusion_classifier.baselines import features
    from diffusion_classifier.data.preprocess import Preprocess
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images, read_labels
    from diffusion_classifier.engine.encoders import encode_images

    device, dtype = compute(snakemake)
    params = snakemake.params
    given = snakemake.input
    tasks = zip(given.train, given.validation, given.prompts, snakemake.output, strict=True)
    for train, validation, prompts, output in tasks:
        found = []
        for path in (train, validation):
            data = read_labels(path)
            check_labels(read_prompts(prompts), data, Path(path).stem)
            latents = encode_images(
                params.folder,
                Preprocess(**params.preprocess),
                map(decode, encoded_images(path)),
                device,
                dtype,
                "stable-diffusion",
            )
            spec = params.spec
            settings = (spec["timesteps"], spec["layers"], device, dtype, params.seed)
            values = features.unet_features(params.folder, latents, *settings)
            found += [values, data["label"].to_numpy()]
        with files.atomic_folder(output) as folder:
            features.save(features.fit_probe(*found, **params.spec.get("params", {})), folder)
