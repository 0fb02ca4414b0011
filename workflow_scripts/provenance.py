"""Say where a table's numbers come from.

In: the table, the models and data sets behind it. Out: JSON, see `diffusion_classifier.provenance`.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.messages import without_home
    from diffusion_classifier.provenance import provenance

    params = snakemake.params
    found = provenance(params.config, snakemake.wildcards.table, params.folders, params.data)
    files.write_json(without_home(found), snakemake.output[0])
