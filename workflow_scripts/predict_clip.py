"""Classify every test set by CLIP: the class whose prompt is nearest to the image.

In: the data sets, their prompts, all trainings of a CLIP. Out: predictions, one file per training
and data set; where a table compares captions, how well each image and caption go together: the
logits, `image, prompt, loss, score, evaluations, seconds`.
"""

from job import compute, job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.baselines import clip
    from diffusion_classifier.baselines.baseline import Images

    device, dtype = compute(snakemake)
    params, given, written = snakemake.params, snakemake.input, snakemake.output
    asked = zip(params.methods, given.data, given.prompts, written.predictions, strict=True)
    asked = [*asked]
    compared = zip(
        params.compared_methods,
        given.compared_data,
        given.compared_prompts,
        written.similarities,
        strict=True,
    )
    compared = [*compared]
    for method, spec in params.models.items():
        model = clip.load(spec["folder"], device, dtype, spec["truncate"])
        for _, path, prompts, output in (row for row in asked if row[0] == method):
            table = clip.predict_set(model, Images(path, prompts), spec["combine"])
            files.write_parquet(table, output)
        for _, path, prompts, output in (row for row in compared if row[0] == method):
            table = clip.compare_set(model, Images(path, prompts))
            files.write_parquet(table, output)
