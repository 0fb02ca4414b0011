"""Classify every test set with each of the trained baseline networks.

One job for all of them: a network takes tenths of a second, to import its libraries takes seconds.
In: the networks, the data sets. Out: predictions, network by network one file per data set.
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
    given, params = snakemake.input, snakemake.params
    count = len(given.data)
    for number, folder in enumerate(given.networks):
        preprocess = Preprocess(**params.specs[number]["preprocess"])
        with lean_transformers():
            network = networks.load(folder).to(device)
        outputs = snakemake.output[count * number : count * (number + 1)]
        for path, output in zip(given.data, outputs, strict=True):
            data = files.read_parquet(path)
            images = pixels(data, preprocess)
            start = time.perf_counter()
            predictions, scores = networks.predict(network, images)
            seconds = time.perf_counter() - start
            files.write_parquet(prediction_table(data, predictions, scores, seconds), output)
