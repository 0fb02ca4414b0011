"""Classify every test set by CLIP: the class whose prompt is nearest to the image.

In: the data sets, their prompts, all trainings of a CLIP. Out: predictions, one file per training
and data set; if a table compares captions, similarities of images and captions, the logits:
`image, prompt, loss, score, evaluations, seconds`.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.baselines import clip
    from diffusion_classifier.baselines.baseline import Images

    device, dtype = compute(snakemake)
    params, given, written = snakemake.params, snakemake.input, snakemake.output
    classified = (params.methods, given.data, given.prompts, written.predictions)
    classified = list(zip(*classified, strict=True))
    compared = (params.compared_methods, given.compared_data, given.compared_prompts)
    compared = list(zip(*compared, written.similarities, strict=True))
    for method, spec in params.models.items():
        model = clip.load(spec["folder"], device, dtype, spec["truncate"])
        for _, path, prompts, output in (row for row in classified if row[0] == method):
            table = clip.predict_set(model, Images(path, prompts), spec["combine"])
            files.write_parquet(table, output)
        for _, path, prompts, output in (row for row in compared if row[0] == method):
            table = clip.compare_set(model, Images(path, prompts))
            files.write_parquet(table, output)
