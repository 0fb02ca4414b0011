"""Write the page on which the images of a table can be looked at.

In: the table's data sets, prompts, and predictions or similarities of all methods; the rankings of
its diffusion classifiers; error maps, if it has them; the files of the page. Out: one HTML file,
and one with fewer images for the report.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier.tables.explorer.build import Table, write_explorer

    written = snakemake.output
    write_explorer(Table(**snakemake.params.table), written.page, written.small)
