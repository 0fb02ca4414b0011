"""Learn weights of timesteps on a few labelled items, and compare the other images with captions.

In: all error files of an evaluation on a data set of matching tasks, its images and prompts. Out,
for each draw of labelled items: similarities of the images that no labelled item shows, one row per
pair and loss; the weights of timesteps per loss (CSV).
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.selection.item_draws import labelled_items
    from diffusion_classifier.selection.weighted_captions import weighted_similarities

    given, made, params = snakemake.input, snakemake.output, snakemake.params
    data = read_labels(given.data)
    found = weighted_similarities(
        [files.read_dataset(path) for path in given.errors],
        read_prompts(given.prompts),
        data,
        labelled_items(data, **params.labelled),
        params.learned_from,
    )
    for (table, weights), *paths in zip(found, made.similarities, made.weights, strict=True):
        files.write_parquet(table, paths[0])
        files.write_csv(weights, paths[1])
