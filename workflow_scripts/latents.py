"""Encode the images of one shard of a data set as a model's latents.

In: the data set, the model. Out: `latents` (image, channel, height, width) float32 and `image`,
their numbers in the data set.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import torch

    from diffusion_classifier import files
    from diffusion_classifier.data.preprocess import Preprocess
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images_of, shard
    from diffusion_classifier.engine.encoders import encode_images

    device, dtype = compute(snakemake)
    params = snakemake.params
    path, index = snakemake.input.data, int(snakemake.wildcards.shard)
    data = files.read_parquet(path, columns=["image"])
    numbers = shard(data, index, params.shards)["image"].tolist()
    encoded = encoded_images_of(path, numbers)
    images = (decode(encoded[number]) for number in numbers)
    preprocess = Preprocess(**params.preprocess)
    latents = encode_images(params.folder, preprocess, images, device, dtype, params.family)
    files.write_tensors({"latents": latents, "image": torch.tensor(numbers)}, snakemake.output[0])
