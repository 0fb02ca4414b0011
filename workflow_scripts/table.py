"""Render a table: execute its notebook with papermill, write it as a page, and its provenance.

In: the notebook and all files that its parameters name. Out: a folder with the executed notebook,
its page (HTML without code), the tables and figures that it writes itself, provenance.json (see
the library's `operations.table_provenance`) and, of accuracies, results in CLIP_benchmark's form.
"""

from job import job

with job(snakemake) as snakemake:
    import shutil
    from pathlib import Path

    from diffusion_classifier import files
    from diffusion_classifier.messages import without_home
    from diffusion_classifier.operations.table_provenance import provenance
    from diffusion_classifier.scores.clip_benchmark import write_results
    from diffusion_classifier.tables.notebook_pages import execute, write_page

    params, folder = snakemake.params, Path(snakemake.output.folder)
    source = Path(params.source)
    workflow = source.parents[1]  # the working directory may be another
    # Snakemake keeps a folder that is not empty, and with it figures of an earlier run
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    execute(source, folder / "notebook.ipynb", params.notebook, workflow)
    write_page(folder / "notebook.ipynb", folder / "page.html")
    if names := params.clip_benchmark:
        metrics = files.read_parquet(snakemake.input.clip_benchmark[0])
        write_results(metrics, names["methods"], names["datasets"], folder / "clip_benchmark")
    table = snakemake.wildcards.table
    config = dict(snakemake.config)
    written = config.pop("written")
    found = provenance(config, table, params.weights, params.data, written, params.answers)
    files.write_json(without_home(found), folder / "provenance.json")
