"""Classify every test set with the network that was trained for its set of prompts.

In: the networks of all sets of prompts, the data sets. Out: predictions, one file per data set.
"""

from job import compute, job

with job(snakemake):
    import time

    from diffusion_classifier import files
    from diffusion_classifier.baselines import networks
    from diffusion_classifier.baselines.tables import prediction_table
    from diffusion_classifier.datasets.stored import encoded_images, read_labels
    from diffusion_classifier.preprocess import Preprocess, batches
    from diffusion_classifier.startup import lean_transformers

    device, _ = compute(snakemake)
    params = snakemake.params
    preprocess = Preprocess(**params.spec["preprocess"])
    folders = dict(zip(params.tasks, snakemake.input.networks, strict=True))
    paths = zip(snakemake.input.data, params.task_of, snakemake.output, strict=True)
    for path, task, output in paths:
        with lean_transformers():
            network = networks.load(folders[task]).to(device)
        data = read_labels(path)
        images = batches(encoded_images(path), preprocess)
        start = time.perf_counter()
        predictions, scores = networks.predict(network, images)
        seconds = time.perf_counter() - start
        files.write_parquet(prediction_table(data, predictions, scores, seconds), output)
