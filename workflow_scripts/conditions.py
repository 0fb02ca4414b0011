"""Encode prompts as a model's conditions (text embeddings or class indices).

In: sets of prompts, the model. Out: a file for each set, with the family's condition tensors, whose
first dim is `prompt`.
"""

from job import compute, job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.denoisers.families import family

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input.prompts
    adapter = family(params.family)
    sets = [given] if isinstance(given, str) else given
    for path, output in zip(sets, snakemake.output, strict=True):
        prompts = read_prompts(path)
        tensors = adapter.encode_prompts(params.folder, prompts, device, dtype, params.truncate)
        files.write_tensors(tensors, output)
