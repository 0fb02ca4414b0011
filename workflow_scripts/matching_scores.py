"""Score matching tasks: every method on every subtask, and the differences of methods.

In: similarities, one file per method and data set; the data sets and their prompts. Out: scores,
which items are right, paired comparisons, what learned weights of timesteps change and effect sizes
(Parquet), scores in long form (CSV).
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.scores import effects, matching_gain, matching_tables

    params, given, written = snakemake.params, snakemake.input, snakemake.output
    read = zip(params.datasets, given.data, given.prompts, strict=True)
    sets = {name: (read_labels(data), read_prompts(prompts)) for name, data, prompts in read}
    answers = dict(zip(map(tuple, params.answers), given.similarities, strict=True))
    found = {key: files.read_parquet(path) for key, path in answers.items()}
    decisions, spent = matching_tables.decide_all(found, sets, params.weighted)
    table = snakemake.wildcards.table
    scores = matching_tables.score_table(params.methods, decisions, spent, table)
    files.write_parquet(scores, written.scores)
    files.write_parquet(decisions, written.correct)
    files.write_parquet(matching_tables.paired_table(params.methods, decisions), written.paired)
    gains = matching_gain.gain_table(params.methods, decisions, params.weighted)
    files.write_parquet(gains, written.weighting)
    phis = effects.associate_all(found, sets)
    files.write_parquet(effects.effect_table(params.methods, phis, table), written.effects)
    files.write_csv(matching_tables.long_form(scores), written.csv)
