"""Classify every test set with the probe that was fitted for its set of prompts.

In: the probes of all sets of prompts, the model, the data sets. Out: predictions, one file per
data set.
"""

from job import compute, job

with job(snakemake):
    import time

    from diffusion_classifier import files
    from diffusion_classifier.baselines import features
    from diffusion_classifier.baselines.tables import prediction_table
    from diffusion_classifier.datasets import decode
    from diffusion_classifier.datasets.stored import encoded_images, read_labels
    from diffusion_classifier.encoders import encode_images
    from diffusion_classifier.preprocess import Preprocess

    device, dtype = compute(snakemake)
    params = snakemake.params
    probes = dict(zip(params.tasks, map(features.load, snakemake.input.probes), strict=True))
    paths = zip(snakemake.input.data, params.task_of, snakemake.output, strict=True)
    for path, task, output in paths:
        data, probe = read_labels(path), probes[task]
        start = time.perf_counter()
        latents = encode_images(
            params.folder,
            Preprocess(**params.preprocess),
            map(decode, encoded_images(path)),
            device,
            dtype,
        )
        asked = ([probe.timestep], [probe.layer])
        found = features.unet_features(params.folder, latents, *asked, device, dtype, params.seed)
        predictions, scores = probe.predict(found, int(probe.classes.max()) + 1)
        seconds = time.perf_counter() - start
        files.write_parquet(prediction_table(data, predictions, scores, seconds), output)
