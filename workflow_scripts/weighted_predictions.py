"""Learn weights of timesteps on a few labelled images, and predict the others with them.

In: all error files of an evaluation on a data set, its images and prompts. Out: predictions of the
images whose labels are not used, one row per image and loss; the weights per loss (CSV).
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.selection import weighted_predictions as weighted

    given, params = snakemake.input, snakemake.params
    labels = read_labels(given.data)[["image", "label"]]
    predictions, weights = weighted.weighted_predictions(
        [files.read_dataset(path) for path in given.errors],
        read_prompts(given.prompts)["classidx"].to_numpy(),
        labels,
        weighted.labelled_draws(labels["label"].to_numpy(), **params.labelled),
        params.draw,
        params.pruning,
    )
    files.write_parquet(predictions, snakemake.output.predictions)
    files.write_csv(weights, snakemake.output.weights)
