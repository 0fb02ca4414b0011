"""Say where a table's numbers come from.

In: the table, the models and data sets behind it. Out: JSON, see the library's
`operations.table_provenance`.
"""

from job import job

with job(snakemake):
    from diffusion_classifier import files
    from diffusion_classifier.messages import without_home
    from diffusion_classifier.operations.table_provenance import provenance

    params = snakemake.params
    table, written = snakemake.wildcards.table, params.config
    found = provenance(snakemake.config, table, params.folders, params.data, written)
    files.write_json(without_home(found), snakemake.output[0])
