# A cheap look at all classes of an image at once: the rule `pairs` lists the
# classes near the best for the stages. Calibration images are searched in the same way.


if plan.searches.learning():

    rule learn_search:
        input:
            data=of_job(plan.searches.learning_data),
            prompts=layout.prompts("{prompts}"),
            latents=of_job(plan.searches.learning_latents),
            conditions=of_job(plan.evaluations.conditions),
            noise=of_job(plan.evaluations.noise),
            model=files_of(plan.evaluations.model_inputs),
            timesteps=of_job(plan.searches.timesteps),
        output:
            layout.learned("{evaluation}", "{prompts}"),
        log:
            f"{layout.logs}/learn_search/{{evaluation}}/{{prompts}}.log",
        benchmark:
            f"{layout.benchmarks}/learn_search/{{evaluation}}/{{prompts}}.tsv"
        wildcard_constraints:
            evaluation=one_of(plan.searches.learning()),
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(plan.resources.evaluation_memory),
            runtime=growing(240),
            gpu=GPU,
        params:
            code=code("learn_search", family=plan.evaluations.family, entries=plan.searches.entries),
            family=of_job(plan.evaluations.family),
            folder=of_job(plan.evaluations.folder),
            search=of_job(plan.searches.settings),
            batch_size=of_job(plan.searches.batch_size),
            device=config["compute"]["device"],
            dtype=of_job(plan.evaluations.dtype),
            speed=of_job(plan.searches.speed),
        script:
            "../workflow_scripts/learn_search.py"


rule search:
    input:
        data=layout.data("{dataset}"),
        prompts=layout.prompts("{prompts}"),
        latents=of_job(plan.evaluations.latents),
        conditions=of_job(plan.evaluations.conditions),
        noise=of_job(plan.evaluations.noise),
        model=files_of(plan.evaluations.model_inputs),
        timesteps=of_job(plan.searches.timesteps),
        learned=of_job(plan.searches.learned),
    output:
        layout.searched("{evaluation}", "{prompts}", "{dataset}", "{shard}"),
    log:
        f"{layout.logs}/search/{{evaluation}}/{{prompts}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{layout.benchmarks}/search/{{evaluation}}/{{prompts}}/{{dataset}}/{{shard}}.tsv"
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
        shards=of_job(plan.data.shards),
        batch_size=of_job(plan.searches.batch_size),
        device=config["compute"]["device"],
        dtype=of_job(plan.evaluations.dtype),
        speed=of_job(plan.searches.speed),
    script:
        "../workflow_scripts/search.py"
