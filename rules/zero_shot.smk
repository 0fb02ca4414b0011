# What text prompts are compared with: one classifier per set of classes, CLIP, and guessing.
from functools import partial

for job in plan.baselines.jobs("probe"):

    rule:
        name:
            numbered("train_probe", job.number)
        input:
            train=plan.baselines.task_data(job.method),
            validation=plan.baselines.task_data(job.method, "validation"),
            prompts=plan.baselines.task_prompts(job.method),
            model=files_in(plan.baselines.model_inputs(job)),
        output:
            [directory(folder) for folder in plan.baselines.task_folders(job.method)],
        log:
            layout.log(f"train_probe/{job.method}"),
        benchmark:
            layout.benchmark(f"train_probe/{job.method}")
        localrule: WITHOUT_DISK
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(plan.baselines.model_memory(job)),
            runtime=growing(120),
            gpu=GPU,
        params:
            code=code("train_probe"),
            spec=plan.baselines.fitted(job.method),
            folder=of_job(partial(plan.baselines.model_folder, job.method)),
            preprocess=plan.baselines.model_preprocess(job.method),
            seed=config["noise"]["seed"],
            device=config["compute"]["device"],
            dtype="float32",
        script:
            "../workflow_scripts/train_probe.py"

    rule:
        name:
            numbered("predict_probe", job.number)
        input:
            data=plan.baselines.images(job.questions),
            latents=plan.baselines.latents(job),
            probes=plan.baselines.task_folders(job.method),
            model=files_in(plan.baselines.model_inputs(job)),
        output:
            plan.baselines.predictions(job),
        log:
            layout.log(f"predict_probe/{job.method}"),
        benchmark:
            layout.benchmark(f"predict_probe/{job.method}")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(plan.baselines.model_memory(job)),
            runtime=growing(60),
            gpu=GPU,
        params:
            code=code("predict_probe"),
            preprocess=plan.baselines.model_preprocess(job.method),
            spec=plan.baselines.fitted(job.method),
            tasks=plan.baselines.tasks(job.method),
            task_of=plan.baselines.task_of(job),
            folder=of_job(partial(plan.baselines.model_folder, job.method)),
            shards=[plan.data.shards(dataset) for dataset in job.datasets],
            seed=config["noise"]["seed"],
            device=config["compute"]["device"],
            dtype="float32",
        script:
            "../workflow_scripts/predict_probe.py"


for job in plan.baselines.clips():

    rule:
        name:
            numbered("predict_clip", job.number)
        input:
            data=plan.baselines.images(job.questions),
            prompts=plan.baselines.prompts(job.questions),
            compared_data=plan.baselines.images(job.similarities),
            compared_prompts=plan.baselines.prompts(job.similarities),
            model=files_in(plan.baselines.model_inputs(job)),
        output:
            predictions=plan.baselines.predictions(job),
            similarities=plan.baselines.similarities(job),
        log:
            layout.log(f"predict_clip/{job.method}"),
        benchmark:
            layout.benchmark(f"predict_clip/{job.method}")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(plan.baselines.model_memory(job)),
            runtime=growing(60),
            gpu=GPU,
        params:
            code=code("predict_clip"),
            methods=[method for method, _ in job.questions],
            compared_methods=[method for method, _ in job.similarities],
            models=plan.baselines.clip_models(job),
            device=config["compute"]["device"],
            dtype="float32",
        script:
            "../workflow_scripts/predict_clip.py"


for job in plan.baselines.guesses():

    rule:
        name:
            numbered("predict_chance", job.number)
        input:
            data=plan.baselines.images(job.questions),
            prompts=plan.baselines.prompts(job.questions),
            compared_data=plan.baselines.images(job.similarities),
            compared_prompts=plan.baselines.prompts(job.similarities),
        output:
            predictions=plan.baselines.predictions(job),
            similarities=plan.baselines.similarities(job),
        log:
            layout.log("predict_chance"),
        benchmark:
            layout.benchmark("predict_chance")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(10),
        params:
            code=code("predict_chance"),
            seeds=[plan.baselines.seed(method) for method, _ in job.questions],
            compared_seeds=[plan.baselines.seed(method) for method, _ in job.similarities],
        script:
            "../workflow_scripts/predict_chance.py"
