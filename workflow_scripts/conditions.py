"""Encode prompts as a model's conditions (text embeddings or class indices).

In: a set of prompts, the model. Out: the family's condition tensors, whose first dim is `prompt`.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.denoisers.families import family

    device, dtype = compute(snakemake)
    params, adapter = snakemake.params, family(snakemake.params.family)
    prompts = read_prompts(snakemake.input.prompts)
    tensors = adapter.encode_prompts(params.folder, prompts, device, dtype, **params.encoding)
    files.write_tensors(tensors, snakemake.output[0])
