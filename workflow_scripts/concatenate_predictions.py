"""Put the predictions and rankings of all shards of a data set into one file each.

In: predictions and rankings, one file per shard. Out: predictions; rankings.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.selection.rankings import joined

    given, made = snakemake.input, snakemake.output
    files.write_dataset(joined([*map(files.read_dataset, given.rankings)]), made.rankings)
    # shard by shard, as all predictions of a large data set would fill the memory
    files.write_parquet_pieces(map(files.read_parquet, given.predictions), made.predictions)
