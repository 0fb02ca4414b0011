"""Time the engine and the plain loop on a full-size network with random weights.

In: nothing. Out: a record (JSON) of all repeats, of the machine and of its peak.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.full_size import FULL_SIZE
    from diffusion_classifier.benchmarks.subjects import full_size_subject
    from diffusion_classifier.benchmarks.throughput import all_pairs, measured, spaced_samples

    device, dtype = compute(snakemake)
    spec, name = snakemake.params.spec, snakemake.wildcards.network
    counts = {key: spec[key] for key in ("images", "prompts", "samples")}
    compiled = spec.get("compile", False)
    subject = full_size_subject(name, **counts, device=device, dtype=dtype, compiled=compiled)
    pairs = all_pairs(range(spec["images"]), spec["prompts"])
    samples = spaced_samples(spec["samples"])
    record = measured(FULL_SIZE[name].label, subject, pairs, samples, spec["repeats"])
    files.write_json(record, snakemake.output[0])
