"""Score the similarities of all methods: text, image, group and calibrated image score per tag.

In: similarities, one file per method; the data set and its prompts. Out: scores and which examples
are right (Parquet), scores in long form (CSV).
"""

from job import job

with job(snakemake):
    from diffusion_classifier import compositional, files, scores
    from diffusion_classifier.datasets.stored import read_labels
    from diffusion_classifier.prompts import read_prompts

    params, source = snakemake.params, snakemake.input
    found = dict(zip(params.methods, map(files.read_parquet, source.similarities), strict=True))
    pairs = read_labels(source.data), read_prompts(source.prompts)
    table = compositional.score_table(params.methods, found, *pairs, "winoground", params.dataset)
    files.write_parquet(table, snakemake.output.scores)
    files.write_parquet(compositional.correctness(found, *pairs), snakemake.output.correct)
    files.write_csv(scores.long_form(table), snakemake.output.csv)
