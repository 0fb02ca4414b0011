"""Draw the noise bank for all images, classes and evaluations with one latent shape.

In: nothing. Out: `noise`, (noise, channel, height, width) float32.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.engine.noise_bank import noise_bank

    shape = [int(n) for n in snakemake.wildcards.shape.split("x")]
    bank = noise_bank(shape, snakemake.params.size, int(snakemake.wildcards.seed))
    files.write_tensors({"noise": bank}, snakemake.output[0])
