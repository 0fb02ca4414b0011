"""Write a set of prompts: from class names and templates, a user's CSV, or a data set's captions.

In: the user's CSV or the data set, where there is one. Out: CSV `prompt,classname,classidx`.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.prompts import (
        from_captions,
        from_templates,
        read_prompts,
        with_unconditional,
    )

    spec = snakemake.params.spec
    if "file" in spec:
        prompts = read_prompts(spec["file"])
    elif "captions" in spec:
        columns = ["label", "classname"]
        data = files.read_parquet(snakemake.input[0], columns=columns)
        prompts = from_captions(data, spec.get("templates", ["{}"]))
    else:
        prompts = from_templates(spec["classes"], spec["templates"])
    if spec.get("unconditional"):
        prompts = with_unconditional(prompts)
    files.write_csv(prompts, snakemake.output[0])
