"""Classify every test set by CLIP: the class whose prompt is nearest to the image.

In: the data sets, their prompts, the CLIP. Out: predictions, one file per data set.
"""

from job import compute, job

with job(snakemake):
    import time

    from diffusion_classifier import files
    from diffusion_classifier.baselines import clip
    from diffusion_classifier.baselines.answers import prediction_table
    from diffusion_classifier.data.prompt_sets import named_prompts, read_prompts
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images, read_labels

    device, dtype = compute(snakemake)
    params = snakemake.params
    model = clip.load(params.folder, device, dtype, params.truncate)
    paths = zip(snakemake.input.data, snakemake.input.prompts, snakemake.output, strict=True)
    for path, prompts_path, output in paths:
        data, prompts = read_labels(path), named_prompts(read_prompts(prompts_path))
        start = time.perf_counter()
        texts = model.embed_texts(prompts["prompt"])
        images = model.embed_images(map(decode, encoded_images(path)))
        class_of = prompts["classidx"].to_numpy()
        predictions, scores = clip.classify(images, texts, class_of, model.scale, params.combine)
        seconds = time.perf_counter() - start
        files.write_parquet(prediction_table(data, predictions, scores, seconds), output)
