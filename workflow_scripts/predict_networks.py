"""Classify test sets with all of the trained baseline networks.

One job runs all networks, as a network takes tenths of a second, but importing its libraries takes
seconds.
In: a network and a data set for each output. Out: predictions.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from itertools import groupby

    from diffusion_classifier import files
    from diffusion_classifier.baselines.answers import Question, predict
    from diffusion_classifier.baselines.baseline import Setting
    from diffusion_classifier.baselines.trained_networks import ResNet

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    rows = zip(params.folders, params.preprocess, given.data, snakemake.output, strict=True)
    for (folder, preprocess), same in groupby(rows, lambda row: row[:2]):
        _, _, paths, outputs = zip(*same, strict=True)
        questions = [Question(path, "", fitted=folder) for path in paths]
        # a ViT predicts in the same way
        tables = predict(ResNet, Setting({"preprocess": preprocess}, device, dtype), questions)
        for table, output in zip(tables, outputs, strict=True):
            files.write_parquet(table, output)
