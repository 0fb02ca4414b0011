"""Turn errors into similarities of images and prompts, and rank the captions of every image.

In: all error files of an evaluation on a data set, its images and prompts. Out: `image, prompt,
loss, score, evaluations, seconds`, one row per pair and loss; rankings of the captions that each
image is asked about (NetCDF).
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.matching.asked import asked_rows, caption_rows
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.scores.compositional import similarities
    from diffusion_classifier.selection.rankings import Errors, rankings
    from diffusion_classifier.tables.explorer.method_answers import from_similarities

    given, made = snakemake.input, snakemake.output
    prompts = read_prompts(given.prompts)
    errors = [files.read_dataset(path) for path in given.errors]
    table = similarities(errors)
    rows, asked = asked_rows(caption_rows(read_labels(given.data)))
    winners = {
        loss: from_similarities(table, prompts, rows, asked, loss).predictions
        for loss in table["loss"].unique()
    }
    read = Errors(prompts["classidx"].to_numpy(), snakemake.params.combine)
    found = rankings(errors, rows["image"].to_numpy(), winners, read, asked)
    files.write_dataset(found, made.rankings)
    files.write_parquet(table, made.similarities)
