"""Write a set of prompts: from class names and templates, or a checked copy of a user's CSV.

In: the user's CSV, where there is one. Out: CSV `prompt,classname,classidx`.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.prompts import from_templates, read_prompts

    spec = snakemake.params.spec
    prompts = (
        read_prompts(spec["file"])
        if "file" in spec
        else from_templates(spec["classes"], spec["templates"])
    )
    files.write_csv(prompts, snakemake.output[0])
