"""Adapters of diffusion models: one module per model family, behind the protocol of `denoiser`.

A family's module has two functions, which read the diffusers folder layout:
`load(folder, device, dtype) -> Denoiser` and
`encode_prompts(folder, prompts, device, dtype, truncate=False) -> dict[str, Tensor]`. The latter
returns the conditions of a table of prompts (columns `prompt, classname, classidx`); the first dim
of every tensor is `prompt`. Too long prompts are an error unless `truncate`. Separate jobs call
the two functions, so no job has the networks of both in memory.
"""
