"""Score the predictions of all methods of a table: accuracy, intervals, paired comparisons.

In: predictions, one file per method and data set. Out: scores, which images are right, paired
comparisons, and the metrics of CLIP_benchmark (Parquet), scores in long form (CSV).
"""

from job import job

with job(snakemake) as snakemake:
    from itertools import product

    from diffusion_classifier import files
    from diffusion_classifier.scores import accuracy
    from diffusion_classifier.scores.clip_benchmark import metric_table
    from diffusion_classifier.scores.paired_tests import paired_table

    params = snakemake.params
    keys = product(params.methods, params.datasets)
    predictions = dict(zip(keys, map(files.read_parquet, snakemake.input), strict=True))
    table = accuracy.score_table(params.methods, predictions, snakemake.wildcards.table)
    files.write_parquet(table, snakemake.output.scores)
    files.write_csv(accuracy.long_form(table), snakemake.output.csv)
    files.write_parquet(accuracy.correctness(predictions), snakemake.output.correct)
    files.write_parquet(paired_table(params.methods, predictions), snakemake.output.paired)
    files.write_parquet(metric_table(predictions), snakemake.output.clip_benchmark)
