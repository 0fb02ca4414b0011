"""Time the engine and the plain loop on one of the workflow's models.

In: latents, conditions, the noise bank, the model. Out: a record (JSON) of all repeats, of the
machine and of its peak.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import torch

    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.subjects import workflow_subject
    from diffusion_classifier.benchmarks.throughput import all_pairs, measured, spaced_samples

    device, dtype = compute(snakemake)
    params = snakemake.params
    torch.set_num_threads(params.threads)
    spec = params.spec
    compiled = spec.get("compile", False)
    subject = workflow_subject(snakemake.input, params, device, dtype, compiled)
    images = subject.first_images(spec["images"], "benchmark.miniature.images")
    pairs = all_pairs(images, subject.prompts)
    record = measured(
        params.label, subject, pairs, spaced_samples(spec["samples"]), spec["repeats"]
    )
    files.write_json(record, snakemake.output[0])
