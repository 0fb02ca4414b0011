"""Write a data set as one Parquet file of encoded images and labels.

In: nothing (the source is in a package) or whatever the source reads. Out: the data set, and in its
metadata which files were left out.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.data.left_out import LeftOut
    from diffusion_classifier.data.sources.opening import pieces

    left_out = LeftOut()
    data = pieces(snakemake.params.spec, left_out)
    files.write_parquet_pieces(data, snakemake.output[0], left_out.metadata)
