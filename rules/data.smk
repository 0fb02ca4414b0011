# Images and prompts: what there is to recognise, and what it may be called.


rule given:
    output:
        f"{RESULTS}/given/{{section}}/{{name}}.json",
    log:
        f"{LOGS}/given/{{section}}/{{name}}.log",
    benchmark:
        f"{BENCHMARKS}/given/{{section}}/{{name}}.tsv"
    wildcard_constraints:
        section=one_of(GIVEN),
        name="[^/]+",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        identity=lambda w: identity(unnameable(w)),
    script:
        "../workflow_scripts/given.py"


rule dataset:
    input:
        lambda w: given("datasets", w.dataset),
    output:
        f"{RESULTS}/data/{{dataset}}.parquet",
    log:
        f"{LOGS}/dataset/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/dataset/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(direct_datasets()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        code=code("dataset", entries=registered),
        spec=lambda w: image_spec(config, w.dataset),
    script:
        "../workflow_scripts/dataset.py"


rule adversarial_dataset:
    input:
        pool=lambda w: dataset_file(dataset(w.dataset)["pool"]),
        network=lambda w: network_files(filter_network(config, w.dataset)),
    output:
        data=f"{RESULTS}/data/{{dataset}}.parquet",
        indices=f"{RESULTS}/data/{{dataset}}-indices.csv",
    log:
        f"{LOGS}/adversarial_dataset/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/adversarial_dataset/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(adversarial_datasets()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("adversarial_dataset"),
        folder=lambda w: network_folder(filter_network(config, w.dataset)),
        limit=lambda w: dataset(w.dataset)["limit"],
        seed=lambda w: dataset(w.dataset).get("seed", 0),
        preprocess=lambda w: baseline_spec(config, dataset(w.dataset)["wrong_by"])["preprocess"],
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/adversarial_dataset.py"


rule synthetic_dataset:
    input:
        prompts=prompts_file,
        model=lambda w: model_files(generator(w)),
    output:
        f"{RESULTS}/data/{{dataset}}.parquet",
    log:
        f"{LOGS}/synthetic_dataset/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/synthetic_dataset/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(synthetic_datasets()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: dataset(w.dataset)["model"]),
        runtime=growing(240),
        gpu=GPU,
    params:
        code=code("synthetic_dataset"),
        folder=lambda w: model_folder(generator(w)),
        truncate=lambda w: model(dataset(w.dataset)["model"]).get("truncate_prompts", False),
        size=lambda w: model(dataset(w.dataset)["model"])["preprocess"]["size"],
        sampling=lambda w: {k: dataset(w.dataset)[k] for k in ("per_class", "guidance", "steps")},
        seed=lambda w: dataset(w.dataset).get("seed", 0),
        device=config["compute"]["device"],
        dtype=lambda w: dataset(w.dataset).get("dtype", "float32"),
    script:
        "../workflow_scripts/synthetic_dataset.py"


rule prompts:
    input:
        prompts_source,
    output:
        f"{RESULTS}/prompts/{{prompts}}.csv",
    log:
        f"{LOGS}/prompts/{{prompts}}.log",
    benchmark:
        f"{BENCHMARKS}/prompts/{{prompts}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("prompts"),
        spec=lambda w: prompts_spec(w.prompts),
    script:
        "../workflow_scripts/prompts.py"
