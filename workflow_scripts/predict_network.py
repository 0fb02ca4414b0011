"""Classify every test set with a trained baseline network.

In: the network, the data sets. Out: predictions, one file per data set.
"""

from job import compute, job

with job(snakemake):
    import time

    from diffusion_classifier import files
    from diffusion_classifier.baselines import networks
    from diffusion_classifier.baselines.tables import prediction_table
    from diffusion_classifier.preprocess import Preprocess, pixels
    from diffusion_classifier.startup import lean_transformers

    device, _ = compute(snakemake)
    preprocess = Preprocess(**snakemake.params.spec["preprocess"])
    with lean_transformers():
        network = networks.load(snakemake.input.network).to(device)
    for path, output in zip(snakemake.input.data, snakemake.output, strict=True):
        data = files.read_parquet(path)
        images = pixels(data, preprocess)
        start = time.perf_counter()
        predictions, scores = networks.predict(network, images)
        seconds = time.perf_counter() - start
        files.write_parquet(prediction_table(data, predictions, scores, seconds), output)
