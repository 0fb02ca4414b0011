# Discriminative classifiers trained on the same images, to compare with.
from functools import partial


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
    localrule: WITHOUT_DISK
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
            networks=files_in(plan.baselines.network_inputs(job)),
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


# all kinds of baselines that no rule of its own answers for: a new kind is one of these
for job in plan.other_baselines.jobs():

    rule:
        name:
            numbered("predict_baseline", job.number)
        input:
            data=plan.baselines.images(job.questions),
            prompts=plan.baselines.prompts(job.questions),
            learned_from=plan.other_baselines.learned_from(job.method),
            model=files_in(plan.other_baselines.inputs(job.method)),
        output:
            plan.baselines.predictions(job),
        log:
            layout.log(f"predict_baseline/{job.method}"),
        benchmark:
            layout.benchmark(f"predict_baseline/{job.method}")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(plan.other_baselines.memory(job.method)),
            runtime=growing(120),
            gpu=plan.other_baselines.uses_gpu(job.method) * GPU,
        params:
            code=code("predict_baseline", entries=partial(plan.other_baselines.entries, job.method)),
            spec=plan.baselines.fitted(job.method),
            setting=plan.other_baselines.setting(job.method),
            questions=plan.other_baselines.questions(job),
            device=config["compute"]["device"],
            dtype="float32",
        script:
            "../workflow_scripts/predict_baseline.py"
