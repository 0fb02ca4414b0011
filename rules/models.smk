# Models, and what is computed once per model: weights, noise, latents, conditions.


# on a cluster these run where snakemake does: the first needs the network, which compute nodes often
# lack, the others a second each
localrules:
    download,
    given,
    noise,
    prompts,


# without `code`: what is fetched is named by the config, however it is fetched
rule download:
    output:
        folder=directory(f"{RESULTS}/weights/{{kind}}/{{name}}"),
    log:
        f"{LOGS}/download/{{kind}}/{{name}}.log",
    benchmark:
        f"{BENCHMARKS}/download/{{kind}}/{{name}}.tsv"
    wildcard_constraints:
        kind="models|baselines",
        name=one_of(fetched("models") + fetched("baselines")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        weights=lambda w: config[w.kind][w.name]["weights"],
    script:
        "../workflow_scripts/download.py"


rule merge_lora:
    input:
        base=lambda w: base_files(w),
        lora=lambda w: given("loras", w.model),
    output:
        folder=directory(f"{RESULTS}/models/{{model}}"),
    log:
        f"{LOGS}/merge_lora/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/merge_lora/{{model}}.tsv"
    wildcard_constraints:
        model=one_of(lora_models()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: w.model),
        runtime=growing(60),
    params:
        code=code("merge_lora"),
        base=lambda w: base_folder(w),
        lora=lambda w: model(w.model)["lora"]["weights"],
        scale=lambda w: model(w.model)["lora"].get("scale", 1.0),
    script:
        "../workflow_scripts/merge_lora.py"


rule train:
    input:
        data=lambda w: dataset_file(model(w.model)["training"]["data"]),
        text_encoder=lambda w: text_encoder_files(w),
    output:
        folder=directory(f"{RESULTS}/models/{{model}}"),
    log:
        f"{LOGS}/train/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/train/{{model}}.tsv"
    wildcard_constraints:
        model=one_of(trained_models()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
        gpu=GPU,
    params:
        code=code("train", entries=lambda w: (model(w.model)["family"],)),
        model=lambda w: trained_part(w.model),
        text_encoder=lambda w: text_encoder_folder(w),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/train.py"


rule noise:
    output:
        f"{RESULTS}/noise/{{shape}}-seed{{seed}}.safetensors",
    log:
        f"{LOGS}/noise/{{shape}}-seed{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/noise/{{shape}}-seed{{seed}}.tsv"
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
        data=f"{RESULTS}/data/{{dataset}}.parquet",
        model=model_files,
    output:
        f"{RESULTS}/latents/{{model}}/{{dataset}}/{{shard}}.safetensors",
    log:
        f"{LOGS}/latents/{{model}}/{{dataset}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/latents/{{model}}/{{dataset}}/{{shard}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=latents_ask(latents_megabytes),
        runtime=latents_ask(latents_minutes),
        gpu=GPU,
    params:
        code=code("latents", family=lambda w: model(w.model)["family"]),
        family=lambda w: model(w.model)["family"],
        folder=model_folder,
        preprocess=lambda w: model(w.model)["preprocess"],
        shards=lambda w: shard_count(w.dataset),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/latents.py"


rule conditions:
    input:
        prompts=f"{RESULTS}/prompts/{{prompts}}.csv",
        model=model_files,
    output:
        f"{RESULTS}/conditions/{{model}}/{{prompts}}.safetensors",
    log:
        f"{LOGS}/conditions/{{model}}/{{prompts}}.log",
    benchmark:
        f"{BENCHMARKS}/conditions/{{model}}/{{prompts}}.tsv"
    group:
        "conditions"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: w.model),
        runtime=growing(30),
        gpu=GPU,
    params:
        code=code("conditions", family=lambda w: model(w.model)["family"]),
        family=lambda w: model(w.model)["family"],
        folder=model_folder,
        truncate=lambda w: model(w.model).get("truncate_prompts", False),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/conditions.py"
