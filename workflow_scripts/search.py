"""Look at all classes of a shard's images at once.

In: the data set, prompts, latents, conditions, noise, the model; the density of learned timesteps,
and what the search learned on other images, if it does.
Out: the scores of the search and its cost, `image, label, loss, evaluations, seconds, scores`.
"""

from job import compute, job, opened_search

with job(snakemake) as snakemake:
    import time

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.data.stored_images import read_labels, shard
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.denoisers.speed import Speed, accelerate
    from diffusion_classifier.selection.searches import search_table

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    prompts, data = read_prompts(given.prompts), read_labels(given.data)
    check_labels(prompts, data, snakemake.wildcards.dataset)
    data = shard(data, int(snakemake.wildcards.shard), params.shards)
    denoiser = family(params.family).load(params.folder, device, dtype)
    accelerate(denoiser, Speed(**params.speed), 0)
    start = time.perf_counter()
    searched = opened_search(snakemake, prompts, denoiser, device, dtype)
    scores = searched.scores()
    table = search_table(searched, data, scores, time.perf_counter() - start)
    files.write_parquet(table, snakemake.output[0])
