"""How well each image and prompt go together, says CLIP: its logits.

In: a data set, its prompts, the CLIP. Out: `image, prompt, loss, score, evaluations, seconds`.
"""

from job import compute, job

with job(snakemake):
    import time

    from diffusion_classifier import files
    from diffusion_classifier.baselines import clip
    from diffusion_classifier.data.prompt_sets import is_unconditional, read_prompts
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images, read_labels
    from diffusion_classifier.selection.candidates import candidates

    device, dtype = compute(snakemake)
    model = clip.load(snakemake.params.folder, device, dtype, snakemake.params.truncate)
    data = read_labels(snakemake.input.data)
    prompts = read_prompts(snakemake.input.prompts)
    pairs = candidates(data, prompts)
    # CLIP knows no unconditional prompt: its loss compares images as it is
    pairs = pairs[~is_unconditional(prompts).to_numpy()[pairs["prompt"]]].reset_index(drop=True)
    start = time.perf_counter()
    texts = model.embed_texts(prompts["prompt"])
    images = model.embed_images(map(decode, encoded_images(snakemake.input.data)))
    asked = images[pairs["image"].to_list()] * texts[pairs["prompt"].to_list()]
    logits = model.scale * asked.sum(dim=1)
    share = (time.perf_counter() - start) / len(pairs)
    scored = pairs.assign(loss="", score=logits.double().numpy(), evaluations=1.0, seconds=share)
    files.write_parquet(scored, snakemake.output[0])
