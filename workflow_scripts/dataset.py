"""Write a data set as one Parquet file of encoded images and labels.

In: nothing (the source is in a package), or the files that the source reads. Out: the data set,
whose metadata lists the left-out files.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.data.image_files.left_out import LeftOut
    from diffusion_classifier.data.sources.opening import pieces

    left_out = LeftOut()
    data = pieces(snakemake.params.spec, left_out)
    files.write_parquet_pieces(data, snakemake.output[0], left_out.metadata)
