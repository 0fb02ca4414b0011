# Discriminative classifiers trained on the same images, to compare with.


rule train_network:
    input:
        data=of_job(plan.baselines.training_data),
        prompts=of_job(plan.baselines.training_prompts),
    output:
        folder=directory(layout.network("{network}")),
    log:
        f"{layout.logs}/train_network/{{network}}.log",
    benchmark:
        f"{layout.benchmarks}/train_network/{{network}}.tsv"
    wildcard_constraints:
        network=one_of(plan.baselines.trained_networks()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
        gpu=GPU,
    params:
        code=code("train_network"),
        spec=of_job(plan.baselines.network_spec),
        data=of_job(plan.baselines.training_images),
        seed=of_job(plan.baselines.network_seed),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/train_network.py"


for job in plan.baselines.networks():

    rule:
        name:
            numbered("predict_networks", job.number)
        input:
            data=plan.baselines.images(job.questions),
            networks=plan.baselines.network_inputs(job),
        output:
            plan.baselines.predictions(job),
        log:
            layout.log("predict_networks"),
        benchmark:
            layout.benchmark("predict_networks")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
            gpu=GPU,
        params:
            code=code("predict_networks"),
            folders=plan.baselines.network_folders(job),
            preprocess=plan.baselines.network_preprocess(job),
            device=config["compute"]["device"],
            dtype="float32",
        script:
            "../workflow_scripts/predict_networks.py"


for job in plan.baselines.jobs("logistic_regression", "k_nearest"):

    rule:
        name:
            numbered("predict_classical", job.number)
        input:
            data=plan.baselines.images(job.questions),
            train=plan.baselines.task_data(job.method),
            prompts=plan.baselines.task_prompts(job.method),
        output:
            plan.baselines.predictions(job),
        log:
            layout.log(f"predict_classical/{job.method}"),
        benchmark:
            layout.benchmark(f"predict_classical/{job.method}")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            code=code("predict_classical"),
            spec=plan.baselines.fitted(job.method),
            tasks=plan.baselines.tasks(job.method),
            task_of=plan.baselines.task_of(job),
        script:
            "../workflow_scripts/predict_classical.py"


for job in plan.baselines.jobs("pretrained"):

    rule:
        name:
            numbered("predict_pretrained", job.number)
        input:
            data=plan.baselines.images(job.questions),
            prompts=plan.baselines.prompts(job.questions),
            network=plan.models.pretrained_inputs(job.method),
        output:
            plan.baselines.predictions(job),
        log:
            layout.log(f"predict_pretrained/{job.method}"),
        benchmark:
            layout.benchmark(f"predict_pretrained/{job.method}")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(8000),
            runtime=growing(120),
            gpu=GPU,
        params:
            code=code("predict_pretrained"),
            folder=plan.weights.pretrained(job.method),
            device=config["compute"]["device"],
            dtype="float32",
        script:
            "../workflow_scripts/predict_pretrained.py"
