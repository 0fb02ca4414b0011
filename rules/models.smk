# Models, and what is computed once per model: weights, noise, latents, conditions.


# on a cluster these run where snakemake does: the first needs the network, which compute nodes often
# lack, the others a second each
localrules:
    download,
    given,
    noise,
    prompts,
    stored_weights,


# without `code`: what is fetched is named by the config, however it is fetched
rule download:
    output:
        folder=directory(layout.weights("{section}", "{name}")),
    log:
        f"{layout.logs}/download/{{section}}/{{name}}.log",
    benchmark:
        f"{layout.benchmarks}/download/{{section}}/{{name}}.tsv"
    wildcard_constraints:
        section="models|baselines",
        name=one_of(plan.weights.fetched("models") + plan.weights.fetched("baselines")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        weights=of_job(plan.weights.source),
    script:
        "../workflow_scripts/download.py"


# where jobs cannot read the user's disk: a folder of weights, which then lies in the store; without
# `code`, as the rule above
rule stored_weights:
    input:
        files_of(plan.weights.original_files),
    output:
        folder=directory(layout.weights("{section}", "{name}")),
    log:
        f"{layout.logs}/stored_weights/{{section}}/{{name}}.log",
    benchmark:
        f"{layout.benchmarks}/stored_weights/{{section}}/{{name}}.tsv"
    wildcard_constraints:
        section="models|baselines",
        name=one_of(plan.weights.copied("models") + plan.weights.copied("baselines")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        original=of_job(plan.weights.original),
    script:
        "../workflow_scripts/stored_weights.py"


rule merge_lora:
    input:
        base=files_of(plan.models.base_inputs),
        lora=files_of(plan.models.lora_inputs),
    output:
        folder=directory(layout.model("{model}")),
    log:
        f"{layout.logs}/merge_lora/{{model}}.log",
    benchmark:
        f"{layout.benchmarks}/merge_lora/{{model}}.tsv"
    wildcard_constraints:
        model=one_of(plan.models.with_lora()),
    localrule: WITHOUT_DISK
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.models.memory),
        runtime=growing(60),
    params:
        code=code("merge_lora"),
        base=of_job(plan.models.base_folder),
        lora=of_job(plan.models.lora),
        scale=of_job(plan.models.lora_scale),
    script:
        "../workflow_scripts/merge_lora.py"


# what tables show of a model; without it, each table's job would fetch or read all weights
rule digest:
    input:
        files_of(plan.models.inputs),
    output:
        layout.digest("{model}"),
    log:
        f"{layout.logs}/digest/{{model}}.log",
    benchmark:
        f"{layout.benchmarks}/digest/{{model}}.tsv"
    wildcard_constraints:
        model=one_of(plan.models.with_digest()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        code=code("digest"),
        folder=of_job(plan.models.folder),
    script:
        "../workflow_scripts/digest.py"


rule train:
    input:
        data=of_job(plan.models.training_data),
        text_encoder=files_of(plan.models.text_encoder_inputs),
    output:
        folder=directory(layout.model("{model}")),
    log:
        f"{layout.logs}/train/{{model}}.log",
    benchmark:
        f"{layout.benchmarks}/train/{{model}}.tsv"
    wildcard_constraints:
        model=one_of(plan.models.trained()),
    localrule: WITHOUT_DISK
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
        gpu=GPU,
    params:
        code=code("train", entries=plan.models.trainer),
        model=of_job(plan.models.training),
        text_encoder=of_job(plan.models.text_encoder),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/train.py"


rule noise:
    output:
        layout.noise("{shape}", "{seed}"),
    log:
        f"{layout.logs}/noise/{{shape}}-seed{{seed}}.log",
    benchmark:
        f"{layout.benchmarks}/noise/{{shape}}-seed{{seed}}.tsv"
    wildcard_constraints:
        shape=r"\d+x\d+x\d+",
        seed=r"\d+",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("noise"),
        size=config["noise"]["size"],
    script:
        "../workflow_scripts/noise.py"


rule latents:
    input:
        data=layout.data("{dataset}"),
        model=files_of(plan.models.inputs),
    output:
        layout.latents("{model}", "{dataset}", "{shard}"),
    log:
        f"{layout.logs}/latents/{{model}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{layout.benchmarks}/latents/{{model}}/{{dataset}}/{{shard}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.resources.latents_memory),
        runtime=growing(plan.resources.latents_minutes),
        gpu=GPU,
    params:
        code=code("latents", family=plan.models.family),
        family=of_job(plan.models.family),
        folder=of_job(plan.models.folder),
        preprocess=of_job(plan.models.preprocess),
        shards=of_job(plan.data.shards),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/latents.py"


rule conditions:
    input:
        prompts=layout.prompts("{prompts}"),
        model=files_of(plan.models.inputs),
    output:
        layout.conditions("{model}", "{prompts}"),
    log:
        f"{layout.logs}/conditions/{{model}}/{{prompts}}.log",
    benchmark:
        f"{layout.benchmarks}/conditions/{{model}}/{{prompts}}.tsv"
    group:
        "conditions"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.models.memory),
        runtime=growing(30),
        gpu=GPU,
    params:
        code=code("conditions", family=plan.models.family),
        family=of_job(plan.models.family),
        folder=of_job(plan.models.folder),
        encoding=of_job(plan.models.encoding),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/conditions.py"
