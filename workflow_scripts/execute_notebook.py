"""Execute a notebook with papermill and write it as a page.

In: the notebook and everything its parameters name. Out: the executed notebook, its HTML (code
hidden) and the tables and figures that it writes itself.
"""

from job import job

with job(snakemake):
    from diffusion_classifier.notebooks import execute, write_page

    execute(snakemake.input.notebook, snakemake.output.notebook, snakemake.params.notebook)
    write_page(snakemake.output.notebook, snakemake.output.html)
