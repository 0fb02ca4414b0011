# Discriminative classifiers trained on the same images, to compare with.


rule train_network:
    input:
        data=lambda w: dataset_file(training_set(config, w.network)),
        prompts=lambda w: prompts_csv(w.network.partition("/")[2]),
    output:
        folder=directory(f"{RESULTS}/baselines/{{network}}"),
    log:
        f"{LOGS}/train_network/{{network}}.log",
    benchmark:
        f"{BENCHMARKS}/train_network/{{network}}.tsv"
    wildcard_constraints:
        network=one_of(NETWORKS),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
        gpu=GPU,
    params:
        code=code("train_network"),
        spec=lambda w: fitted_part(w.network),
        data=lambda w: image_spec(config, training_set(config, w.network)),
        seed=lambda w: split_seed(config, w.network)[1],
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/train_network.py"


rule predict_networks:
    input:
        data=[dataset_file(name) for _, name in network_pairs()],
        networks=[file for name in dict.fromkeys(asked_networks()) for file in network_files(name)],
    output:
        [predictions_file(method, name) for method, name in network_pairs()],
    log:
        f"{LOGS}/predict_networks.log",
    benchmark:
        f"{BENCHMARKS}/predict_networks.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("predict_networks"),
        folders=[network_folder(name) for name in asked_networks()],
        preprocess=[baseline_spec(config, method)["preprocess"] for method, _ in network_pairs()],
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/predict_networks.py"


for number, datasets, methods in asked_alike("logistic_regression", "k_nearest"):

    rule:
        name:
            numbered("predict_classical", number)
        input:
            data=[dataset_file(name) for name in datasets],
            train=lambda w: [dataset_file(name) for name in learned_from(w.classical)],
            prompts=lambda w: [prompts_csv(name) for name in tasks(w.classical)],
        output:
            [predictions_file("{classical}", name) for name in datasets],
        log:
            f"{LOGS}/predict_classical/{{classical}}.log",
        benchmark:
            f"{BENCHMARKS}/predict_classical/{{classical}}.tsv"
        wildcard_constraints:
            classical=one_of(methods),
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            code=code("predict_classical"),
            spec=lambda w: fitted_part(w.classical),
            tasks=lambda w: tasks(w.classical),
            task_of=lambda w: prompts_of(w.classical),
        script:
            "../workflow_scripts/predict_classical.py"


for number, datasets, methods in asked_alike("pretrained"):

    rule:
        name:
            numbered("predict_pretrained", number)
        input:
            data=[dataset_file(name) for name in datasets],
            prompts=lambda w: [prompts_csv(name) for name in prompts_of(w.pretrained)],
            network=pretrained_inputs,
        output:
            [predictions_file("{pretrained}", name) for name in datasets],
        log:
            f"{LOGS}/predict_pretrained/{{pretrained}}.log",
        benchmark:
            f"{BENCHMARKS}/predict_pretrained/{{pretrained}}.tsv"
        wildcard_constraints:
            pretrained=one_of(methods),
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(8000),
            runtime=growing(120),
            gpu=GPU,
        params:
            code=code("predict_pretrained"),
            folder=lambda w: pretrained_folder(w),
            device=config["compute"]["device"],
            dtype="float32",
        script:
            "../workflow_scripts/predict_pretrained.py"
