"""Compute the curves that a table shows of an evaluation that pruned nothing.

In: the errors of its first stage, images, and, where images are asked about captions, prompts. Out:
accuracy by timestep and by number of evaluations, for each data set and loss (see the library's
`scores.timestep_curves`); or what a wrong caption has more error at each timestep
(`scores.caption_curves`).
"""

from job import job

with job(snakemake) as snakemake:
    import pandas as pd
    import xarray as xr

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.scores.caption_curves import difference_rows
    from diffusion_classifier.scores.timestep_curves import curve_rows

    params, parts = snakemake.params, []
    for dataset, paths in params.errors.items():
        errors = xr.concat([files.read_dataset(path) for path in paths], dim="pair")
        data = read_labels(params.data[dataset])
        if params.captions:
            found = difference_rows(errors, data, read_prompts(params.prompts[dataset]))
        else:
            found = curve_rows(errors, data)
        parts.append(found.assign(dataset=dataset))
    files.write_parquet(pd.concat(parts, ignore_index=True), snakemake.output[0])
