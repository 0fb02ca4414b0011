# The one operation: ε-prediction errors of pairs at samples, in stages, pruned in between.


rule group_pairs:
    input:
        data=layout.data("{dataset}"),
        prompts=of_job(plan.data.prompts),
        group_prompts=of_job(plan.candidates.group_prompts),
        prior=of_job(plan.candidates.prior_predictions),
        calibration=of_job(plan.candidates.prior_calibration),
        groups=files_of(plan.candidates.grouping_inputs),
    output:
        layout.pairs("{evaluation}", "{dataset}", GROUPS, "{shard}"),
    log:
        f"{layout.logs}/group_pairs/{{evaluation}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{layout.benchmarks}/group_pairs/{{evaluation}}/{{dataset}}/{{shard}}.tsv"
    wildcard_constraints:
        evaluation=one_of(plan.candidates.with_groups()),
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
        shards=of_job(plan.data.shards),
        prior=of_job(plan.candidates.prior),
        of=of_job(plan.candidates.grouping),
    script:
        "../workflow_scripts/group_pairs.py"


rule pairs:
    input:
        data=layout.data("{dataset}"),
        prompts=of_job(plan.data.prompts),
        prior=of_job(plan.candidates.prior_predictions),
        calibration=of_job(plan.candidates.prior_calibration),
        groups=files_of(plan.candidates.grouping_inputs),
        group_prompts=of_job(plan.candidates.group_prompts),
        group_pairs=of_job(plan.candidates.group_pairs),
        group_errors=of_job(plan.evaluations.group_errors),
    output:
        layout.pairs("{evaluation}", "{dataset}", 1, "{shard}"),
    log:
        f"{layout.logs}/pairs/{{evaluation}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{layout.benchmarks}/pairs/{{evaluation}}/{{dataset}}/{{shard}}.tsv"
    wildcard_constraints:
        evaluation=one_of(plan.candidates.choosing()),
    group:
        "pairs-{evaluation}"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(5),
    params:
        code=code("pairs", unused=plan.candidates.unused_by_pairs),
        shards=of_job(plan.data.shards),
        prior=of_job(plan.candidates.prior),
        groups=of_job(plan.candidates.best_groups),
    script:
        "../workflow_scripts/pairs.py"


rule timesteps:
    input:
        data=of_job(plan.calibrations.data),
        prompts=layout.prompts("{prompts}"),
        latents=of_job(plan.calibrations.latents),
        conditions=of_job(plan.evaluations.conditions),
        noise=of_job(plan.evaluations.noise),
        model=files_of(plan.evaluations.model_inputs),
    output:
        layout.timesteps("{evaluation}", "{prompts}"),
    log:
        f"{layout.logs}/timesteps/{{evaluation}}/{{prompts}}.log",
    benchmark:
        f"{layout.benchmarks}/timesteps/{{evaluation}}/{{prompts}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.resources.evaluation_memory),
        runtime=growing(240),
        gpu=GPU,
    params:
        code=code("timesteps", family=plan.evaluations.family),
        family=of_job(plan.evaluations.family),
        folder=of_job(plan.evaluations.folder),
        samples=of_job(plan.calibrations.samples),
        classes=of_job(plan.calibrations.classes),
        uniform=of_job(plan.calibrations.uniform),
        batch_size=of_job(plan.evaluations.batch_size),
        device=config["compute"]["device"],
        dtype=of_job(plan.evaluations.dtype),
        speed=of_job(plan.evaluations.speed),
    script:
        "../workflow_scripts/timesteps.py"


rule errors:
    input:
        data=layout.data("{dataset}"),
        pairs=of_job(plan.evaluations.pairs),
        prompts=of_job(plan.evaluations.stage_prompts),
        latents=of_job(plan.evaluations.latents),
        conditions=of_job(plan.evaluations.stage_conditions),
        noise=of_job(plan.evaluations.noise),
        model=files_of(plan.evaluations.model_inputs),
        timesteps=of_job(plan.evaluations.timesteps),
        earlier=of_job(plan.evaluations.raced_errors),
    output:
        layout.errors("{evaluation}", "{dataset}", "{stage}", "{shard}", "{part}"),
    log:
        f"{layout.logs}/errors/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}-{{part}}.log",
    benchmark:
        f"{layout.benchmarks}/errors/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}-{{part}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.resources.errors_memory),
        runtime=growing(plan.resources.errors_minutes),
        gpu=GPU,
    params:
        code=code(
            "errors",
            family=plan.evaluations.family,
            unused=plan.evaluations.unused_by_errors,
        ),
        family=of_job(plan.evaluations.family),
        folder=of_job(plan.evaluations.folder),
        samples=of_job(plan.evaluations.samples),
        loss=of_job(plan.evaluations.learned_loss),
        race=of_job(plan.evaluations.race),
        parts=of_job(plan.evaluations.parts),
        shards=of_job(plan.data.shards),
        batch_size=of_job(plan.evaluations.batch_size),
        device=config["compute"]["device"],
        dtype=of_job(plan.evaluations.dtype),
        speed=of_job(plan.evaluations.speed),
    script:
        "../workflow_scripts/errors.py"


rule prune:
    input:
        errors=of_job(plan.evaluations.earlier_errors),
        data=layout.data("{dataset}"),
        pairs=of_job(plan.evaluations.earlier_pairs),
        prompts=of_job(plan.data.prompts),
    output:
        layout.pairs("{evaluation}", "{dataset}", "{stage}", "{shard}"),
    log:
        f"{layout.logs}/prune/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}.log",
    benchmark:
        f"{layout.benchmarks}/prune/{{evaluation}}/{{dataset}}/stage{{stage}}/{{shard}}.tsv"
    wildcard_constraints:
        stage=r"[2-9]|[1-9]\d+",
    group:
        "prune{stage}-{evaluation}"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.resources.reading_memory),
        runtime=growing(5),
    params:
        code=code("prune"),
        shards=of_job(plan.data.shards),
        keep=of_job(plan.evaluations.keep),
        loss=of_job(plan.evaluations.loss),
        combine=of_job(plan.evaluations.combine),
    script:
        "../workflow_scripts/prune.py"


# of a data set in one shard; of another, shard by shard
rule predictions:
    input:
        errors=of_job(plan.evaluations.shard_errors),
        group_errors=of_job(plan.evaluations.group_errors),
        searched=of_job(plan.candidates.searched),
        pairs=of_job(plan.evaluations.last_pairs),
        prompts=of_job(plan.data.prompts),
        data=layout.data("{dataset}"),
    output:
        predictions=layout.predictions("{evaluation}", "{dataset}"),
        rankings=layout.rankings("{evaluation}", "{dataset}"),
    log:
        f"{layout.logs}/predictions/{{evaluation}}/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/predictions/{{evaluation}}/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(plan.data.in_one_shard()),
    group:
        "predictions-{evaluation}"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.resources.reading_memory),
        runtime=growing(30),
    params:
        code=code("predictions"),
        shards=of_job(plan.data.shards),
        combine=of_job(plan.evaluations.combine),
        pruning=of_job(plan.tables.pruning_loss),
    script:
        "../workflow_scripts/predictions.py"


use rule predictions as shard_predictions with:
    output:
        predictions=layout.shard_predictions("{evaluation}", "{dataset}", "{shard}"),
        rankings=layout.shard_rankings("{evaluation}", "{dataset}", "{shard}"),
    log:
        f"{layout.logs}/predictions/{{evaluation}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{layout.benchmarks}/predictions/{{evaluation}}/{{dataset}}/{{shard}}.tsv"
    wildcard_constraints:
        dataset=one_of(plan.data.in_several_shards()),


rule concatenate_predictions:
    input:
        predictions=of_job(plan.evaluations.shard_predictions),
        rankings=of_job(plan.evaluations.shard_rankings),
    output:
        predictions=layout.predictions("{evaluation}", "{dataset}"),
        rankings=layout.rankings("{evaluation}", "{dataset}"),
    log:
        f"{layout.logs}/concatenate_predictions/{{evaluation}}/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/concatenate_predictions/{{evaluation}}/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(plan.data.in_several_shards()),
    group:
        "predictions-{evaluation}"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("concatenate_predictions"),
    script:
        "../workflow_scripts/concatenate_predictions.py"


rule similarities:
    input:
        errors=of_job(plan.evaluations.all_errors),
        data=layout.data("{dataset}"),
        prompts=of_job(plan.data.prompts),
    output:
        similarities=layout.similarities("{evaluation}", "{dataset}"),
        rankings=layout.caption_rankings("{evaluation}", "{dataset}"),
    log:
        f"{layout.logs}/similarities/{{evaluation}}/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/similarities/{{evaluation}}/{{dataset}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.resources.reading_memory),
        runtime=growing(30),
    params:
        code=code("similarities"),
        combine=of_job(plan.evaluations.combine),
    script:
        "../workflow_scripts/similarities.py"
