# The one operation: ε-prediction errors of pairs at samples, in stages, pruned in between.


rule group_pairs:
    input:
        data=f"{RESULTS}/data/{{dataset}}.parquet",
        prompts=prompts_file,
        group_prompts=group_prompts_file,
        prior=lambda w: prior_file(w),
        groups=groups_file,
    output:
        f"{RESULTS}/pairs/{{evaluation}}/{{dataset}}/stage{GROUPS}/{{shard}}.parquet",
    log:
        f"{LOGS}/group_pairs/{{evaluation}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/group_pairs/{{evaluation}}/{{dataset}}/{{shard}}.tsv"
    wildcard_constraints:
        evaluation=one_of(
            name for name, spec in config["evaluations"].items() if "hierarchy" in spec
        ),
    group:
        "group_pairs-{evaluation}"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(5),
    params:
        code=code("group_pairs"),
        shards=lambda w: shard_count(w.dataset),
        prior=lambda w: prior(w),
        of=lambda w: groups(w)["of"],
    script:
        "../workflow_scripts/group_pairs.py"


rule pairs:
    input:
        data=f"{RESULTS}/data/{{dataset}}.parquet",
        prompts=prompts_file,
        prior=prior_file,
        groups=groups_file,
        group_prompts=group_prompts_file,
        group_pairs=group_pairs_file,
        group_errors=lambda w: group_errors_files(w, shards=[w.shard]),
    output:
        f"{RESULTS}/pairs/{{evaluation}}/{{dataset}}/stage1/{{shard}}.parquet",
    log:
        f"{LOGS}/pairs/{{evaluation}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/pairs/{{evaluation}}/{{dataset}}/{{shard}}.tsv"
    group:
        "pairs-{evaluation}"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(5),
    params:
        code=code("pairs", unused=unused_by_pairs),
        shards=lambda w: shard_count(w.dataset),
        prior=lambda w: prior(w),
        groups=lambda w: best_groups(w),
    script:
        "../workflow_scripts/pairs.py"


rule timesteps:
    input:
        data=lambda w: dataset_file(calibration_set(w)),
        prompts=f"{RESULTS}/prompts/{{prompts}}.csv",
        latents=lambda w: latents_files(evaluation(w)["model"], calibration_set(w)),
        conditions=lambda w: conditions_of(w.evaluation, w.prompts),
        noise=lambda w: noise_file(w),
        model=lambda w: evaluated_model_files(w),
    output:
        f"{RESULTS}/timesteps/{{evaluation}}/{{prompts}}.csv",
    log:
        f"{LOGS}/timesteps/{{evaluation}}/{{prompts}}.log",
    benchmark:
        f"{BENCHMARKS}/timesteps/{{evaluation}}/{{prompts}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: evaluation(w)["model"]),
        runtime=growing(240),
        gpu=GPU,
    params:
        code=code("timesteps", family=evaluated_family),
        family=lambda w: evaluated_model(w)["family"],
        folder=lambda w: evaluated_model_folder(w),
        samples=lambda w: calibration(w).get("samples", CALIBRATION_SAMPLES),
        classes=lambda w: calibration(w).get("classes", CALIBRATION_CLASSES),
        uniform=lambda w: calibration(w).get("uniform", {}).get(w.prompts, UNIFORM),
        batch_size=lambda w: evaluation(w).get("batch_size", 256),
        device=config["compute"]["device"],
        dtype=lambda w: evaluation(w).get("dtype", "float32"),
        speed=lambda w: speed(w),
    script:
        "../workflow_scripts/timesteps.py"


rule errors:
    input:
        pairs=f"{RESULTS}/pairs/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}.parquet",
        prompts=lambda w: f"{RESULTS}/prompts/{prompts_of_stage(w)}.csv",
        latents=lambda w: latents_file(w),
        conditions=lambda w: conditions_of(w.evaluation, prompts_of_stage(w)),
        noise=lambda w: noise_file(w),
        model=lambda w: evaluated_model_files(w),
        timesteps=lambda w: timesteps_file(w),
        earlier=lambda w: (
            errors_files(w, stages=range(1, int(w.stage)), shards=[w.shard])
            if race_of_stage(w)
            else []
        ),
    output:
        f"{RESULTS}/errors/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}-{{part}}.nc",
    log:
        f"{LOGS}/errors/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}-{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/errors/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}-{{part}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=errors_ask(errors_megabytes),
        runtime=errors_ask(errors_minutes),
        gpu=GPU,
    params:
        code=code("errors", family=evaluated_family, unused=unused_by_errors),
        family=lambda w: evaluated_model(w)["family"],
        folder=lambda w: evaluated_model_folder(w),
        samples=lambda w: samples_of_stage(w),
        loss=lambda w: stages(w)["loss"] if learned(w) else None,
        race=lambda w: race_of_stage(w),
        parts=lambda w: class_parts(w.evaluation),
        batch_size=lambda w: evaluation(w).get("batch_size", 256),
        device=config["compute"]["device"],
        dtype=lambda w: evaluation(w).get("dtype", "float32"),
        speed=lambda w: speed(w),
    script:
        "../workflow_scripts/errors.py"


rule prune:
    input:
        errors=lambda w: errors_files(w, stages=range(1, int(w.stage)), shards=[w.shard]),
        pairs=lambda w: pairs_file(w.evaluation, w.dataset, int(w.stage) - 1, w.shard),
        prompts=prompts_file,
    output:
        f"{RESULTS}/pairs/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}.parquet",
    log:
        f"{LOGS}/prune/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/prune/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}.tsv"
    wildcard_constraints:
        stage=r"[2-9]|[1-9]\d+",
    group:
        "prune{stage}-{evaluation}"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=reading_megabytes,
        runtime=growing(5),
    params:
        code=code("prune"),
        keep=lambda w: stages(w)["keep"][int(w.stage) - 2],
        loss=lambda w: stages(w)["loss"],
        combine=lambda w: evaluation(w).get("combine", "mean"),
    script:
        "../workflow_scripts/prune.py"


rule predictions:
    input:
        errors=lambda w: [
            file
            for shard in shards(w.dataset)
            for file in errors_files(w, stages=all_stages(w), shards=[shard])
        ],
        coarse=lambda w: [
            file for shard in shards(w.dataset) for file in group_errors_files(w, shards=[shard])
        ],
        pairs=lambda w: [
            pairs_file(w.evaluation, w.dataset, max(all_stages(w)), shard)
            for shard in shards(w.dataset)
        ],
        prompts=prompts_file,
        data=f"{RESULTS}/data/{{dataset}}.parquet",
    output:
        f"{RESULTS}/predictions/{{evaluation}}/{{dataset}}.parquet",
    log:
        f"{LOGS}/predictions/{{evaluation}}/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/predictions/{{evaluation}}/{{dataset}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=reading_megabytes,
        runtime=growing(30),
    params:
        code=code("predictions"),
        combine=lambda w: evaluation(w).get("combine", "mean"),
        pruning=lambda w: stages(w)["loss"] if PRUNING_LOSS else None,
    script:
        "../workflow_scripts/predictions.py"


rule similarities:
    input:
        errors=lambda w: errors_files(w, stages=all_stages(w), shards=shards(w.dataset)),
    output:
        f"{RESULTS}/similarities/{{evaluation}}/{{dataset}}.parquet",
    log:
        f"{LOGS}/similarities/{{evaluation}}/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/similarities/{{evaluation}}/{{dataset}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=reading_megabytes,
        runtime=growing(30),
    params:
        code=code("similarities"),
    script:
        "../workflow_scripts/similarities.py"
