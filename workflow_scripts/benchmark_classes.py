"""How evaluations, FLOPs and accuracy change with the number of classes, for every policy.

In: predictions of every policy, prompts, data sets, the pairs that a search or a prior left; the
conditions of the largest set of prompts and the model, whose FLOPs are counted. Out: CSV, one row
per data set and policy, and the exponent of growth of every policy.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.class_growth import (
        COLUMNS,
        class_exponents,
        class_row,
        model_flops,
    )
    from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.tables.texts.ceilings import ceiling

    device, dtype = compute(snakemake)
    params = snakemake.params
    denoiser = family(params.family).load(params.folder, device, dtype)
    conditions = files.read_tensors(snakemake.input.conditions)
    flops = model_flops(denoiser, conditions, tuple(params.shape))
    rows = []
    for asked in params.questions:
        prompts = read_prompts(asked["prompts"])
        table = files.read_parquet(asked["predictions"])
        limit = {}
        if asked["pairs"]:
            pairs = pd.concat(map(files.read_parquet, asked["pairs"]))
            limit = ceiling(pairs, prompts, read_labels(asked["data"]))
        row = class_row(table[table["loss"] == asked["loss"]], asked["steps"], flops, limit)
        classes = named_prompts(prompts)["classidx"].nunique()
        rows.append({key: asked[key] for key in ("dataset", "policy")} | {"classes": classes} | row)
    found = pd.DataFrame(rows)[COLUMNS]
    files.write_csv(found, snakemake.output.classes)
    files.write_csv(class_exponents(found), snakemake.output.exponents)
