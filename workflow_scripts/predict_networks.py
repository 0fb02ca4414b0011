"""Classify test sets with all of the trained baseline networks.

One job runs all networks, as a network takes tenths of a second, but importing its libraries takes
seconds.
In: a network and a data set for each output. Out: predictions.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import time
    from itertools import groupby

    from diffusion_classifier import files
    from diffusion_classifier.baselines import small_networks
    from diffusion_classifier.baselines.answers import prediction_table
    from diffusion_classifier.data.preprocess import Preprocess, batches
    from diffusion_classifier.data.stored_images import encoded_images, read_labels

    device, _ = compute(snakemake)
    given = snakemake.input
    rows = (snakemake.params.folders, snakemake.params.preprocess, given.data, snakemake.output)
    for (folder, preprocess), same in groupby(zip(*rows, strict=True), lambda row: row[:2]):
        network = small_networks.load(folder).to(device)
        for *_, path, output in same:
            data = read_labels(path)
            images = batches(encoded_images(path), Preprocess(**preprocess))
            start = time.perf_counter()
            predictions, scores = small_networks.predict(network, images)
            seconds = time.perf_counter() - start
            files.write_parquet(prediction_table(data, predictions, scores, seconds), output)
