"""Classify every test set by an ImageNet network that others trained, among the set's classes.

In: the data sets, their prompts (which ImageNet classes theirs are), the network. Out: predictions,
one file per data set.
"""

from job import compute, job

with job(snakemake):
    import time

    from diffusion_classifier import files
    from diffusion_classifier.baselines import pretrained
    from diffusion_classifier.baselines.answers import prediction_table
    from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images, read_labels

    device, dtype = compute(snakemake)
    network = pretrained.load(snakemake.params.folder, device, dtype)
    paths = zip(snakemake.input.data, snakemake.input.prompts, snakemake.output, strict=True)
    for path, prompts_path, output in paths:
        data, prompts = read_labels(path), named_prompts(read_prompts(prompts_path))
        start = time.perf_counter()
        logits = network.logits(map(decode, encoded_images(path)), len(data))
        predictions, scores = pretrained.predict(logits, *pretrained.class_rows(prompts))
        seconds = time.perf_counter() - start
        files.write_parquet(prediction_table(data, predictions, scores, seconds), output)
