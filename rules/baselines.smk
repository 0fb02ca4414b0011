# Discriminative classifiers trained on the same images, to compare with.


rule train_network:
    input:
        data=lambda w: dataset_file(training_set(config, w.network)),
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
        seed=lambda w: split_seed(config, w.network)[1],
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/train_network.py"


rule predict_networks:
    input:
        data=[dataset_file(name) for name in table_datasets("robustness")],
        networks=[network_folder(name) for name in predicted_networks()],
    output:
        [file for name in predicted_networks() for file in method_predictions("robustness", name)]
        or method_predictions("robustness", "none"),
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
        specs=[fitted_part(name) for name in predicted_networks()],
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/predict_networks.py"


rule predict_classical:
    input:
        data=[dataset_file(name) for name in table_datasets("robustness")],
        train=lambda w: dataset_file(baseline_spec(config, w.classical)["train"]),
    output:
        method_predictions("robustness", "{classical}"),
    log:
        f"{LOGS}/predict_classical/{{classical}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_classical/{{classical}}.tsv"
    wildcard_constraints:
        classical=one_of(methods_of_kind("logistic_regression", "k_nearest")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("predict_classical"),
        spec=lambda w: fitted_part(w.classical),
    script:
        "../workflow_scripts/predict_classical.py"


rule predict_pretrained:
    input:
        data=[dataset_file(name) for name in table_datasets("robustness")],
        prompts=[f"{RESULTS}/prompts/{name}.csv" for name in table_prompts("robustness")],
        network=pretrained_inputs,
    output:
        method_predictions("robustness", "{pretrained}"),
    log:
        f"{LOGS}/predict_pretrained/{{pretrained}}.log",
    benchmark:
        f"{BENCHMARKS}/predict_pretrained/{{pretrained}}.tsv"
    wildcard_constraints:
        pretrained=one_of(methods_of_kind("pretrained")),
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
