"""Encode images to the latents a model works on: of one shard, or of several small data sets.

In: the data sets, the model. Out: a file for each data set, `latents` (image, channel, height, width) float32 and `image`,
their numbers in the data set.
"""

from job import compute, job

with job(snakemake):
    from contextlib import nullcontext
    from pathlib import Path

    import torch

    from diffusion_classifier import files
    from diffusion_classifier.data.preprocess import Preprocess
    from diffusion_classifier.data.sharding import shard
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images_of
    from diffusion_classifier.engine.encoders import encode_images
    from diffusion_classifier.startup import lean_diffusers

    device, dtype = compute(snakemake)
    params = snakemake.params
    index, preprocess = int(snakemake.wildcards.get("shard", 0)), Preprocess(**params.preprocess)
    has_vae = (Path(params.folder) / "vae").is_dir()  # pixels need no diffusers at all
    given = snakemake.input.data
    sets = [given] if isinstance(given, str) else given
    for path, output in zip(sets, snakemake.output, strict=True):
        data = files.read_parquet(path, columns=["image"])
        numbers = shard(data, index, params.shards)["image"].tolist()
        encoded = encoded_images_of(path, numbers)
        images = (decode(encoded[number]) for number in numbers)
        with lean_diffusers() if has_vae else nullcontext():
            latents = encode_images(params.folder, preprocess, images, device, dtype, params.family)
        files.write_tensors({"latents": latents, "image": torch.tensor(numbers)}, output)
