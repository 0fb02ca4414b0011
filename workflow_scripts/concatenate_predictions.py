"""Put the predictions of all shards of a data set into one file.

In: predictions, one file per shard. Out: predictions.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files

    # shard by shard, as all predictions of a large data set would fill the memory
    files.write_parquet_pieces(map(files.read_parquet, snakemake.input), snakemake.output[0])
