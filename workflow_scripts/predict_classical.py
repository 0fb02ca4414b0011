"""Fit logistic regression or k-NN on the training pixels and classify every test set.

In: the training images, the data sets. Out: predictions, one file per data set.
"""

from job import job

with job(snakemake):
    import time

    from diffusion_classifier import files
    from diffusion_classifier.baselines.classical import fit_predict
    from diffusion_classifier.baselines.tables import prediction_table
    from diffusion_classifier.preprocess import Preprocess, pixels

    spec = snakemake.params.spec
    preprocess = Preprocess(**spec["preprocess"])
    train = files.read_parquet(snakemake.input.train)
    tests = dict(zip(snakemake.output, map(files.read_parquet, snakemake.input.data), strict=True))
    start = time.perf_counter()
    found = fit_predict(
        spec["kind"],
        spec["params"],
        pixels(train, preprocess),
        train["label"].to_numpy(),
        {output: pixels(data, preprocess) for output, data in tests.items()},
    )
    # fitting is part of what an answer costs here: nothing is kept between runs
    share = (time.perf_counter() - start) / sum(map(len, tests.values()))
    for output, data in tests.items():
        predictions, scores = found[output]
        table = prediction_table(data, predictions, scores, share * len(data))
        files.write_parquet(table, output)
