"""Encode prompts to what a model is told of each of them (text embeddings or class indices).

In: prompts, the model. Out: the family's condition tensors, first dim `prompt`.
"""

from job import compute, job

with job(snakemake):
    from contextlib import nullcontext
    from pathlib import Path

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.startup import lean_transformers

    device, dtype = compute(snakemake)
    prompts = read_prompts(snakemake.input.prompts)
    adapter = family(snakemake.params.family)
    params = snakemake.params
    told = (params.folder, prompts, device, dtype, params.truncate)
    has_text = any(Path(params.folder).glob("text_encoder*"))  # classes need no transformers
    with lean_transformers() if has_text else nullcontext():
        conditions = adapter.encode_prompts(*told)
    files.write_tensors(conditions, snakemake.output[0])
