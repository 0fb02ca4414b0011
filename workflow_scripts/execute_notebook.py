"""Execute a notebook with papermill and write it as a page.

In: the notebook and the files that its parameters name. Out: the executed notebook, its page
(HTML without code) and the tables and figures that it writes itself.
"""

from job import job

with job(snakemake) as snakemake:
    from pathlib import Path

    from diffusion_classifier.tables.notebook_pages import execute, write_page

    source, parameters = Path(snakemake.input.notebook), snakemake.params.notebook
    workflow = source.parents[1]  # the working directory may be another
    execute(source, snakemake.output.notebook, parameters, workflow)
    write_page(snakemake.output.notebook, snakemake.output.html)
