"""Copy a folder of weights to the results, from where jobs on other machines read it.

In: the files of the folder. Out: the folder with all files but hidden ones.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier.weights.copying import copy_weights

    copy_weights(snakemake.params.original, snakemake.output.folder)
