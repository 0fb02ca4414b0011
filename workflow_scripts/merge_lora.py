"""Merge a LoRA into a Stable Diffusion.

In: the base model's folder and the LoRA's safetensors file. Out: a model folder like the base's,
with `lora.json` (what was merged, at which scale, how many layers) beside the weights.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier.weights.lora import merge_lora

    merge_lora(
        snakemake.params.base,
        snakemake.params.lora,
        snakemake.params.scale,
        snakemake.output.folder,
    )
