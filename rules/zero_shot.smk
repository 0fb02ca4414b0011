# What text prompts are compared with: one classifier per set of classes, CLIP, and guessing.


rule train_probe:
    input:
        train=lambda w: dataset_file(task_sets(w)["train"]),
        validation=lambda w: dataset_file(task_sets(w)["validation"]),
        prompts=lambda w: prompts_csv(w.prompts),
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


for number, datasets, methods in asked_alike("probe"):

    rule:
        name:
            numbered("predict_probe", number)
        input:
            data=[dataset_file(name) for name in datasets],
            latents=lambda w: [
                file
                for name in asked(w.probe)
                for file in latents_files(baseline_model(w.probe).model, name)
            ],
            probes=lambda w: task_folders(w.probe),
            model=lambda w: model_files(baseline_model(w.probe)),
        output:
            [predictions_file("{probe}", name) for name in datasets],
        log:
            f"{LOGS}/predict_probe/{{probe}}.log",
        benchmark:
            f"{BENCHMARKS}/predict_probe/{{probe}}.tsv"
        wildcard_constraints:
            probe=one_of(methods),
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
            tasks=lambda w: tasks(w.probe),
            task_of=lambda w: prompts_of(w.probe),
            folder=lambda w: model_folder(baseline_model(w.probe)),
            shards=[shard_count(name) for name in datasets],
            seed=config["noise"]["seed"],
            device=config["compute"]["device"],
            dtype="float32",
        script:
            "../workflow_scripts/predict_probe.py"


for number, datasets, methods in asked_alike("clip"):

    rule:
        name:
            numbered("predict_clip", number)
        input:
            data=[dataset_file(name) for name in datasets],
            prompts=lambda w: [prompts_csv(name) for name in prompts_of(w.clip)],
            model=lambda w: model_files(baseline_model(w.clip)),
        output:
            [predictions_file("{clip}", name) for name in datasets],
        log:
            f"{LOGS}/predict_clip/{{clip}}.log",
        benchmark:
            f"{BENCHMARKS}/predict_clip/{{clip}}.tsv"
        wildcard_constraints:
            clip=one_of(methods),
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
        data=[dataset_file(name) for _, name in chance_pairs()],
        prompts=[prompts_csv(dataset(name)["prompts"]) for _, name in chance_pairs()],
    output:
        [predictions_file(method, name) for method, name in chance_pairs()],
    log:
        f"{LOGS}/predict_chance.log",
    benchmark:
        f"{BENCHMARKS}/predict_chance.tsv"
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
        seeds=[split_seed(config, method)[1] for method, _ in chance_pairs()],
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
