"""Write the drawings of a model as files that a person can look at and tick.

In: the drawings (a data set). Out: a folder with a PNG for each, in a folder for each class.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.baselines.judge import drawing_name

    drawings = files.read_parquet(snakemake.input[0])
    with files.atomic_folder(snakemake.output[0]) as folder:
        for row in drawings.itertuples():
            path = folder / drawing_name(row.label, row.image)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(row.bytes)
