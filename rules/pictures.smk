# Looking inside: where in an image a prompt helps, and what the model makes of noise.


rule spatial:
    input:
        pairs=f"{RESULTS}/pairs/{{evaluation}}/{{dataset}}/stage1/0.parquet",
        data=f"{RESULTS}/data/{{dataset}}.parquet",
        prompts=prompts_file,
        latents=lambda w: latents_file(SimpleNamespace(shard=0, **w)),
        conditions=lambda w: conditions_file(w),
        noise=lambda w: noise_file(w),
        model=lambda w: evaluated_model_files(w),
    output:
        f"{RESULTS}/spatial/{{evaluation}}/{{dataset}}.nc",
    log:
        f"{LOGS}/spatial/{{evaluation}}/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/spatial/{{evaluation}}/{{dataset}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=GPU,
    params:
        code=code("spatial", family=evaluated_family),
        family=lambda w: evaluated_model(w)["family"],
        folder=lambda w: evaluated_model_folder(w),
        samples=lambda w: samples_of_stage(SimpleNamespace(stage=1, **w)),
        examples=winoground_examples(),
        batch_size=lambda w: evaluation(w).get("batch_size", 256),
        device=config["compute"]["device"],
        dtype=lambda w: evaluation(w).get("dtype", "float32"),
    script:
        "../workflow_scripts/spatial.py"


rule reconstructions:
    input:
        data=f"{RESULTS}/data/{{dataset}}.parquet",
        prompts=prompts_file,
        latents=lambda w: latents_file(SimpleNamespace(shard=0, **w)),
        conditions=lambda w: conditions_file(w),
        noise=lambda w: noise_file(w),
        model=lambda w: evaluated_model_files(w),
    output:
        f"{RESULTS}/reconstructions/{{evaluation}}/{{dataset}}.nc",
    log:
        f"{LOGS}/reconstructions/{{evaluation}}/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/reconstructions/{{evaluation}}/{{dataset}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
        gpu=GPU,
    params:
        code=code("reconstructions", family=evaluated_family),
        family=lambda w: evaluated_model(w)["family"],
        folder=lambda w: evaluated_model_folder(w),
        images=lambda w: config["tables"]["accuracy"]["reconstructions"]["images"],
        timesteps=lambda w: config["tables"]["accuracy"]["reconstructions"]["timesteps"],
        device=config["compute"]["device"],
        dtype=lambda w: evaluation(w).get("dtype", "float32"),
    script:
        "../workflow_scripts/reconstructions.py"
