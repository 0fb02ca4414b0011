# Looking inside: where in an image a prompt helps, and what the model makes of noise.


rule spatial:
    input:
        unpack(files_of(plan.pictures.inputs)),
    output:
        layout.spatial("{table}"),
    log:
        f"{layout.logs}/spatial/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/spatial/{{table}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=GPU,
    params:
        code=code("spatial", family=plan.pictures.family),
        family=of_job(plan.pictures.family),
        folder=of_job(plan.pictures.folder),
        samples=of_job(plan.pictures.samples),
        examples=of_job(plan.pictures.examples),
        batch_size=of_job(plan.pictures.batch_size),
        device=config["compute"]["device"],
        dtype=of_job(plan.pictures.dtype),
    script:
        "../workflow_scripts/spatial.py"


rule reconstructions:
    input:
        unpack(files_of(plan.pictures.inputs)),
    output:
        layout.reconstructions("{table}"),
    log:
        f"{layout.logs}/reconstructions/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/reconstructions/{{table}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=GPU,
    params:
        code=code("reconstructions", family=plan.pictures.family),
        family=of_job(plan.pictures.family),
        folder=of_job(plan.pictures.folder),
        reconstructed=of_job(plan.pictures.reconstructed),
        device=config["compute"]["device"],
        dtype=of_job(plan.pictures.dtype),
    script:
        "../workflow_scripts/reconstructions.py"
