"""Fit logistic regression or k-NN on training pixels and classify every test set.

In: each set of prompts and the training images of its classes, the data sets. Out: predictions, one
file per data set.
"""

from job import job

with job(snakemake):
    import time
    from pathlib import Path

    from diffusion_classifier import files
    from diffusion_classifier.baselines.answers import prediction_table
    from diffusion_classifier.baselines.classical import fit_predict
    from diffusion_classifier.data.preprocess import Preprocess, pixels
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts

    params = snakemake.params
    preprocess = Preprocess(**params.spec["preprocess"])
    sets = list(zip(snakemake.output, snakemake.input.data, params.task_of, strict=True))
    learned = (params.tasks, snakemake.input.prompts, snakemake.input.train)
    for task, prompts, path in zip(*learned, strict=True):
        train = files.read_parquet(path)
        check_labels(read_prompts(prompts), train, Path(path).stem)
        tests = {output: files.read_parquet(data) for output, data, of in sets if of == task}
        start = time.perf_counter()
        found = fit_predict(
            params.spec["kind"],
            params.spec["params"],
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
