"""Learn weights of timesteps on a few labelled images, and predict the others with them.

In: all error files of an evaluation on a data set, its images and prompts. Out, for each draw of
labelled images: predictions of the images in no draw, one row per image and loss; the weights of
timesteps per loss (CSV).
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.selection import weighted_classes as weighted

    given, made, params = snakemake.input, snakemake.output, snakemake.params
    labels = read_labels(given.data)[["image", "label"]]
    found = weighted.weighted_predictions(
        [files.read_dataset(path) for path in given.errors],
        read_prompts(given.prompts)["classidx"].to_numpy(),
        labels,
        weighted.labelled_draws(labels["label"].to_numpy(), **params.labelled),
        params.learned_from,
        params.pruning,
    )
    for (table, weights), *paths in zip(found, made.predictions, made.weights, strict=True):
        files.write_parquet(table, paths[0])
        files.write_csv(weights, paths[1])
