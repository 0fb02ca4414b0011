"""Adapters of diffusion models: one module per model family, behind the protocol of `denoiser`.

A family's module has a `load(folder, device, dtype) -> Denoiser` and an
`encode_prompts(folder, prompts, device, dtype, truncate=False) -> dict[str, Tensor]`: what its
denoiser must be told of each prompt (columns `prompt, classname, classidx`); the first dim of
every tensor is `prompt`. Prompts that are too long are an error unless `truncate`. Both read the
diffusers folder layout. They are apart because the jobs are: no job needs both in memory.
"""
