"""Turn errors into similarities of images and prompts, and rank the captions of every image.

In: all error files of an evaluation on a data set, its images and prompts. Out: `image, prompt,
loss, score, evaluations, seconds`, one row per pair and loss; rankings of the captions that each
image is asked about (NetCDF).
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.scores.compositional import similarities
    from diffusion_classifier.selection.rankings import Errors, rankings
    from diffusion_classifier.tables.explorer.method_answers import from_similarities
    from diffusion_classifier.tables.explorer.shown import shown

    given, made = snakemake.input, snakemake.output
    errors, prompts = (
        [files.read_dataset(path) for path in given.errors],
        read_prompts(given.prompts),
    )
    table = similarities(errors)
    rows = shown(read_labels(given.data), prompts, captions=True)
    winners = {
        loss: from_similarities(table, prompts, rows.rows, rows.asked, loss).predictions
        for loss in table["loss"].unique()
    }
    read = Errors(prompts["classidx"].to_numpy(), snakemake.params.combine)
    found = rankings(errors, rows.rows["image"].to_numpy(), winners, read, rows.asked)
    files.write_dataset(found, made.rankings)
    files.write_parquet(table, made.similarities)
