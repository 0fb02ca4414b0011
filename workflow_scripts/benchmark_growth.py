"""Time runs with growing numbers of classes, images and timesteps.

In: latents, conditions, the noise bank, the model. Out: CSV, one line per run:
`varied,count,engine,repeat,evaluations,seconds`.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import torch

    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.growth import growth
    from diffusion_classifier.benchmarks.subjects import workflow_subject

    device, dtype = compute(snakemake)
    params = snakemake.params
    torch.set_num_threads(params.threads)
    subject = workflow_subject(snakemake.input, params, device, dtype)
    found = growth(subject, params.counts, params.repeats)
    files.write_csv(found, snakemake.output[0])
