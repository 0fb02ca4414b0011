"""Encode prompts to what a model is told of each of them (text embeddings or class indices).

In: prompts, the model. Out: the family's condition tensors, first dim `prompt`.
"""

from job import compute, job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.denoisers import family
    from diffusion_classifier.prompts import read_prompts

    device, dtype = compute(snakemake)
    prompts = read_prompts(snakemake.input.prompts)
    adapter = family(snakemake.params.family)
    params = snakemake.params
    conditions = adapter.encode_prompts(params.folder, prompts, device, dtype, params.truncate)
    files.write_tensors(conditions, snakemake.output[0])
