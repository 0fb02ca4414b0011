"""Write a set of prompts: from classes and templates, a user's CSV, or a data set's captions.

The config lists the classes or names a class list, or a data set with texts beside its archives.
In: the user's CSV or texts, or the data set, if there is one. Out: CSV `prompt,classname,classidx`
and, for some class lists, `condition`.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.image_files.left_out import read_classes
    from diffusion_classifier.data.prompt_sets import (
        from_captions,
        from_class_list,
        from_class_texts,
        from_templates,
        read_prompts,
        with_unconditional,
    )

    spec = snakemake.params.spec
    if "file" in spec:
        prompts = read_prompts(spec["file"])
    elif "captions" in spec:
        prompts = from_captions(read_classes(snakemake.input[0]), spec.get("templates", ["{}"]))
    elif "webdataset" in spec:
        from diffusion_classifier.data.sources.webdataset import text_folder
        from diffusion_classifier.data.webdataset.class_texts import read_class_texts

        templates = spec.get("templates", [])
        texts = read_class_texts(text_folder(spec["webdataset"]), not templates)
        prompts = from_class_texts(texts, templates)
    elif isinstance(spec["classes"], str):
        prompts = from_class_list(spec["classes"], spec["templates"])
    else:
        prompts = from_templates(spec["classes"], spec["templates"])
    if spec.get("unconditional"):
        prompts = with_unconditional(prompts)
    files.write_csv(prompts, snakemake.output[0])
