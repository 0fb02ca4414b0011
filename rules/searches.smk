# A cheap look at all classes of an image at once: the classes that survive it go to the stages.


rule calibrate_search:
    input:
        data=of_job(plan.searches.calibration_data),
        prompts=layout.prompts("{prompts}"),
        latents=of_job(plan.searches.calibration_latents),
        conditions=of_job(plan.evaluations.conditions),
        noise=of_job(plan.evaluations.noise),
        model=files_of(plan.evaluations.model_inputs),
        timesteps=of_job(plan.searches.timesteps),
    output:
        layout.search_calibration("{evaluation}", "{prompts}"),
    log:
        f"{layout.logs}/calibrate_search/{{evaluation}}/{{prompts}}.log",
    benchmark:
        f"{layout.benchmarks}/calibrate_search/{{evaluation}}/{{prompts}}.tsv"
    wildcard_constraints:
        evaluation=one_of(plan.candidates.searching()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.resources.evaluation_memory),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code(
            "calibrate_search",
            family=plan.evaluations.family,
            entries=plan.searches.entries,
        ),
        family=of_job(plan.evaluations.family),
        folder=of_job(plan.evaluations.folder),
        search=of_job(plan.searches.settings),
        risk=of_job(plan.searches.risk),
        keep=of_job(plan.searches.keep),
        batch_size=of_job(plan.searches.batch_size),
        device=config["compute"]["device"],
        dtype=of_job(plan.evaluations.dtype),
        speed=of_job(plan.searches.speed),
    script:
        "../workflow_scripts/calibrate_search.py"


rule search:
    input:
        data=layout.data("{dataset}"),
        prompts=of_job(plan.data.prompts),
        latents=of_job(plan.evaluations.latents),
        conditions=of_job(plan.evaluations.class_conditions),
        noise=of_job(plan.evaluations.noise),
        model=files_of(plan.evaluations.model_inputs),
        timesteps=of_job(plan.searches.dataset_timesteps),
        calibration=of_job(plan.searches.calibration),
    output:
        pairs=layout.pairs("{evaluation}", "{dataset}", 1, "{shard}"),
        searched=layout.searched("{evaluation}", "{dataset}", "{shard}"),
    log:
        f"{layout.logs}/search/{{evaluation}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{layout.benchmarks}/search/{{evaluation}}/{{dataset}}/{{shard}}.tsv"
    wildcard_constraints:
        evaluation=one_of(plan.candidates.searching()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.resources.evaluation_memory),
        runtime=growing(240),
        gpu=GPU,
    params:
        code=code("search", family=plan.evaluations.family, entries=plan.searches.entries),
        family=of_job(plan.evaluations.family),
        folder=of_job(plan.evaluations.folder),
        search=of_job(plan.searches.settings),
        keep=of_job(plan.searches.keep),
        shards=of_job(plan.data.shards),
        batch_size=of_job(plan.searches.batch_size),
        device=config["compute"]["device"],
        dtype=of_job(plan.evaluations.dtype),
        speed=of_job(plan.searches.speed),
    script:
        "../workflow_scripts/search.py"
