"""Encode prompts to what a model is told of each of them (text embeddings or class indices).

In: sets of prompts, the model. Out: a file for each, the family's condition tensors, first dim
`prompt`.
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
    adapter = family(snakemake.params.family)
    params = snakemake.params
    has_text = any(Path(params.folder).glob("text_encoder*"))  # classes need no transformers
    given = snakemake.input.prompts
    sets = [given] if isinstance(given, str) else given
    for path, output in zip(sets, snakemake.output, strict=True):
        condition = (params.folder, read_prompts(path), device, dtype, params.truncate)
        with lean_transformers() if has_text else nullcontext():
            files.write_tensors(adapter.encode_prompts(*condition), output)
