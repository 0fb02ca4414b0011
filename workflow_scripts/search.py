"""Look at all classes of a shard's images at once, and list those that survive.

In: the data set, its prompts, latents, conditions, noise, the model; the density of learned
timesteps; the calibration of the search. Out: the surviving pairs `image, prompt`; the scores of
the search and its cost, `image, label, evaluations, seconds, scores`.
"""

from job import compute, engine_inputs, job

with job(snakemake) as snakemake:
    import time

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import check_labels, read_prompts
    from diffusion_classifier.data.stored_images import read_labels, shard
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.denoisers.speed import Speed, accelerate
    from diffusion_classifier.selection.candidates import candidates, pairs_of_classes
    from diffusion_classifier.selection.searches import open_search, search_table
    from diffusion_classifier.selection.survival import survivors

    device, dtype = compute(snakemake)
    params, given = snakemake.params, snakemake.input
    prompts, data = read_prompts(given.prompts), read_labels(given.data)
    check_labels(prompts, data, snakemake.wildcards.dataset)
    data = shard(data, int(snakemake.wildcards.shard), params.shards)
    denoiser = family(params.family).load(params.folder, device, dtype)
    accelerate(denoiser, Speed(**params.speed), 0)
    start = time.perf_counter()
    searched = open_search(
        params.search,
        denoiser,
        engine_inputs(given),
        prompts,
        files.read_csv(given.timesteps) if given.timesteps else None,
        params.batch_size,
        device,
        dtype,
    )
    scores = searched.scores()
    most_behind = files.read_json(given.calibration)["threshold"]
    chosen = survivors(scores, searched.tools.images, most_behind, params.keep)
    pairs = pairs_of_classes(candidates(data, prompts), prompts["classidx"].to_numpy(), chosen)
    files.write_parquet(pairs, snakemake.output.pairs)
    table = search_table(searched, data, scores, time.perf_counter() - start)
    files.write_parquet(table, snakemake.output.searched)
