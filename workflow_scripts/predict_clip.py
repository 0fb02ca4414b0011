"""Classify every test set by CLIP: the class whose prompt is nearest to the image.

In: the data sets, their prompts, all trainings of a CLIP. Out: predictions, one file per training
and data set; if a table compares captions, similarities of images and captions, the logits:
`image, prompt, loss, score, evaluations, seconds`.
"""

from job import compute, job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.baselines import clip, clip_answers
    from diffusion_classifier.data.prompt_sets import read_prompts

    device, dtype = compute(snakemake)
    params, given, written = snakemake.params, snakemake.input, snakemake.output
    classified = (params.methods, given.data, given.prompts, written.predictions)
    classified = list(zip(*classified, strict=True))
    compared = (params.compared_methods, given.compared_data, given.compared_prompts)
    compared = list(zip(*compared, written.similarities, strict=True))
    for method, spec in params.models.items():
        model = clip.load(spec["folder"], device, dtype, spec["truncate"])
        for _, path, prompts, output in (row for row in classified if row[0] == method):
            table = clip_answers.predict_set(model, path, read_prompts(prompts), spec["combine"])
            files.write_parquet(table, output)
        for _, path, prompts, output in (row for row in compared if row[0] == method):
            table = clip_answers.compare_set(model, path, read_prompts(prompts))
            files.write_parquet(table, output)
