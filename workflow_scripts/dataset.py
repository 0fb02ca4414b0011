"""Write a data set as one Parquet file of encoded images and labels.

In: nothing (the source is in a package) or whatever the source reads. Out: the data set.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.datasets import pieces

    files.write_parquet_pieces(pieces(snakemake.params.spec), snakemake.output[0])
