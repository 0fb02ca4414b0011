"""Encode prompts to what a model is told of each of them (text embeddings or class indices).

In: prompts, the model. Out: the family's condition tensors, first dim `prompt`.
"""

from job import compute, job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.denoisers.families import family

    device, dtype = compute(snakemake)
    prompts = read_prompts(snakemake.input.prompts)
    params = snakemake.params
    encode = family(params.family).encode_prompts
    conditions = encode(params.folder, prompts, device, dtype, params.truncate)
    files.write_tensors(conditions, snakemake.output[0])
