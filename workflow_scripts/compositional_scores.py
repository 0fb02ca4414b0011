"""Score the similarities of all methods: text, image, group and calibrated image score per tag.

In: similarities, one file per method; the data set and its prompts. Out: scores and which examples
are right (Parquet), scores in long form (CSV).
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.scores import accuracy, compositional

    params, source = snakemake.params, snakemake.input
    name = snakemake.wildcards.table
    found = dict(zip(params.methods, map(files.read_parquet, source.similarities), strict=True))
    pairs = read_labels(source.data), read_prompts(source.prompts)
    table = compositional.score_table(params.methods, found, *pairs, name, *params.datasets)
    files.write_parquet(table, snakemake.output.scores)
    files.write_parquet(compositional.correctness(found, *pairs), snakemake.output.correct)
    files.write_csv(accuracy.long_form(table), snakemake.output.csv)
