# What text prompts are compared with: one classifier per set of classes, CLIP, and guessing.


rule predict_task_networks:
    input:
        data=[dataset_file(name) for name in table_datasets("accuracy")],
        networks=lambda w: [network_folder(f"{w.network}/{task}") for task in tasks("accuracy")],
    output:
        method_predictions("accuracy", "{network}"),
    log:
        f"{LOGS}/predict_task_networks/{{network}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_task_networks/{{network}}.tsv"
    wildcard_constraints:
        network=one_of(task_networks(config)),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("predict_task_networks"),
        spec=lambda w: fitted_part(w.network),
        tasks=tasks("accuracy"),
        task_of=table_prompts("accuracy"),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/predict_task_networks.py"


rule train_probe:
    input:
        train=lambda w: dataset_file(task_sets(w)["train"]),
        validation=lambda w: dataset_file(task_sets(w)["validation"]),
        model=lambda w: model_files(baseline_model(w.probe)),
    output:
        folder=directory(f"{RESULTS}/baselines/{{probe}}/{{prompts}}"),
    log:
        f"{LOGS}/train_probe/{{probe}}/{{prompts}}.log",
    benchmark:
        f"{BENCHMARKS}/train_probe/{{probe}}/{{prompts}}.tsv"
    wildcard_constraints:
        probe=one_of(methods_of_kind("probe")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: baseline_model(w.probe).model),
        runtime=growing(120),
        gpu=GPU,
    params:
        code=code("train_probe"),
        spec=lambda w: fitted_part(w.probe),
        folder=lambda w: model_folder(baseline_model(w.probe)),
        preprocess=lambda w: model(baseline_spec(config, w.probe)["model"])["preprocess"],
        seed=config["noise"]["seed"],
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/train_probe.py"


rule predict_probe:
    input:
        data=[dataset_file(name) for name in table_datasets("accuracy")],
        latents=lambda w: [
            file
            for name in table_datasets("accuracy")
            for file in latents_files(baseline_model(w.probe).model, name)
        ],
        probes=lambda w: [network_folder(f"{w.probe}/{task}") for task in tasks("accuracy")],
        model=lambda w: model_files(baseline_model(w.probe)),
    output:
        method_predictions("accuracy", "{probe}"),
    log:
        f"{LOGS}/predict_probe/{{probe}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_probe/{{probe}}.tsv"
    wildcard_constraints:
        probe=one_of(methods_of_kind("probe")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: baseline_model(w.probe).model),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("predict_probe"),
        spec=lambda w: fitted_part(w.probe),
        tasks=tasks("accuracy"),
        task_of=table_prompts("accuracy"),
        folder=lambda w: model_folder(baseline_model(w.probe)),
        shards=[shard_count(name) for name in table_datasets("accuracy")],
        seed=config["noise"]["seed"],
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/predict_probe.py"


rule predict_clip:
    input:
        data=[dataset_file(name) for name in table_datasets("accuracy")],
        prompts=[f"{RESULTS}/prompts/{name}.csv" for name in table_prompts("accuracy")],
        model=lambda w: model_files(baseline_model(w.clip)),
    output:
        method_predictions("accuracy", "{clip}"),
    log:
        f"{LOGS}/predict_clip/{{clip}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_clip/{{clip}}.tsv"
    wildcard_constraints:
        clip=one_of(methods_of_kind("clip")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: baseline_model(w.clip).model),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("predict_clip"),
        folder=lambda w: model_folder(baseline_model(w.clip)),
        truncate=lambda w: evaluated_clip(w).get("truncate_prompts", False),
        combine=lambda w: baseline_spec(config, w.clip).get("combine", "mean"),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/predict_clip.py"


rule clip_similarities:
    input:
        data=f"{RESULTS}/data/{{dataset}}.parquet",
        prompts=prompts_file,
        model=lambda w: model_files(baseline_model(w.clip)),
    output:
        f"{RESULTS}/similarities/{{clip}}/{{dataset}}.parquet",
    log:
        f"{LOGS}/clip_similarities/{{clip}}/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/clip_similarities/{{clip}}/{{dataset}}.tsv"
    wildcard_constraints:
        clip=one_of(methods_of_kind("clip")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: baseline_model(w.clip).model),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("clip_similarities"),
        folder=lambda w: model_folder(baseline_model(w.clip)),
        truncate=lambda w: evaluated_clip(w).get("truncate_prompts", False),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/clip_similarities.py"


rule predict_chance:
    input:
        data=[dataset_file(name) for name in table_datasets("accuracy")],
        prompts=[f"{RESULTS}/prompts/{name}.csv" for name in table_prompts("accuracy")],
    output:
        method_predictions("accuracy", "{chance}"),
    log:
        f"{LOGS}/predict_chance/{{chance}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_chance/{{chance}}.tsv"
    wildcard_constraints:
        chance=one_of(methods_of_kind("chance")),
    group:
        "chance"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("predict_chance"),
        seed=lambda w: split_seed(config, w.chance)[1],
    script:
        "../workflow_scripts/predict_chance.py"


rule chance_similarities:
    input:
        data=f"{RESULTS}/data/{{dataset}}.parquet",
        prompts=prompts_file,
    output:
        f"{RESULTS}/similarities/{{chance}}/{{dataset}}.parquet",
    log:
        f"{LOGS}/chance_similarities/{{chance}}/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/chance_similarities/{{chance}}/{{dataset}}.tsv"
    wildcard_constraints:
        chance=one_of(methods_of_kind("chance")),
    group:
        "chance"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("chance_similarities"),
        seed=lambda w: split_seed(config, w.chance)[1],
    script:
        "../workflow_scripts/chance_similarities.py"
