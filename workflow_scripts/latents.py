"""Encode the images of one shard to the latents a model works on.

In: a data set, the model. Out: `latents` (image, channel, height, width) float32 and `image`,
their numbers in the data set.
"""

from job import compute, job

with job(snakemake):
    import torch

    from diffusion_classifier import files
    from diffusion_classifier.data.preprocess import Preprocess
    from diffusion_classifier.data.sharding import shard
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images_of
    from diffusion_classifier.engine.encoders import encode_images

    device, dtype = compute(snakemake)
    params = snakemake.params
    data = files.read_parquet(snakemake.input.data, columns=["image"])
    numbers = shard(data, int(snakemake.wildcards.shard), params.shards)["image"].tolist()
    encoded = encoded_images_of(snakemake.input.data, numbers)
    images = (decode(encoded[number]) for number in numbers)
    preprocess = Preprocess(**params.preprocess)
    latents = encode_images(params.folder, preprocess, images, device, dtype, params.family)
    tensors = {"latents": latents, "image": torch.tensor(numbers)}
    files.write_tensors(tensors, snakemake.output[0])
