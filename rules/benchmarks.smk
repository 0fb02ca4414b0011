# How fast it is: the engine against the plain loop, how cost grows, what a whole run is spent on.
# Only where the config has a section `benchmark`. What is timed waits for the tables and asks for
# all cores, so that it runs alone.


rule benchmark_miniature:
    input:
        unpack(timed_inputs),
        tables=ancient(tables_pages()),  # a matter of order alone
    output:
        f"{RESULTS}/benchmarks/throughput/miniature/{{evaluation}}/{{dataset}}/{{dtype}}.json",
    log:
        f"{LOGS}/benchmark_miniature/{{evaluation}}/{{dataset}}/{{dtype}}.log",
    benchmark:
        f"{BENCHMARKS}/benchmark_miniature/{{evaluation}}/{{dataset}}/{{dtype}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: lambda w: workflow.cores
    resources:
        mem_mb=growing_memory(lambda w: evaluation(w)["model"]),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("benchmark_miniature", family=evaluated_family),
        label=lambda w: evaluated_model(w)["label"],
        family=lambda w: evaluated_model(w)["family"],
        folder=lambda w: evaluated_model_folder(w),
        batch_size=lambda w: evaluation(w).get("batch_size", 256),
        spec=lambda w: miniature_spec(w),
        threads=1,  # as many as rule errors has
        device=config["compute"]["device"],
        dtype=lambda w: w.dtype,
    script:
        "../workflow_scripts/benchmark_miniature.py"


rule benchmark_full_size:
    input:
        tables=ancient(tables_pages()),  # a matter of order alone
    output:
        f"{RESULTS}/benchmarks/throughput/full_size/{{network}}/{{dtype}}.json",
    log:
        f"{LOGS}/benchmark_full_size/{{network}}/{{dtype}}.log",
    benchmark:
        f"{BENCHMARKS}/benchmark_full_size/{{network}}/{{dtype}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: lambda w: workflow.cores
    resources:
        mem_mb=growing(20000),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("benchmark_full_size"),
        spec=lambda w: BENCHMARK["full_size"],
        device=config["compute"]["device"],
        dtype=lambda w: w.dtype,
    script:
        "../workflow_scripts/benchmark_full_size.py"


rule benchmark_growth:
    input:
        unpack(lambda w: timed_inputs(growth_wildcards())),
        tables=ancient(tables_pages()),  # a matter of order alone
    output:
        f"{RESULTS}/benchmarks/growth.csv",
    log:
        f"{LOGS}/benchmark_growth.log",
    benchmark:
        f"{BENCHMARKS}/benchmark_growth.tsv"
    conda:
        "../envs/environment.yaml"
    threads: lambda w: workflow.cores
    resources:
        mem_mb=growing_memory(lambda w: evaluation(growth_wildcards())["model"]),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("benchmark_growth", family=lambda w: evaluated_family(growth_wildcards())),
        family=lambda w: evaluated_model(growth_wildcards())["family"],
        folder=lambda w: evaluated_model_folder(growth_wildcards()),
        batch_size=lambda w: evaluation(growth_wildcards()).get("batch_size", 256),
        counts=lambda w: {k: BENCHMARK["growth"][k] for k in ("classes", "images", "timesteps")},
        repeats=lambda w: BENCHMARK["growth"]["repeats"],
        threads=1,
        device=config["compute"]["device"],
        dtype=lambda w: evaluation(growth_wildcards()).get("dtype", "float32"),
    script:
        "../workflow_scripts/benchmark_growth.py"


rule benchmark_ttest:
    input:
        unpack(ttest_inputs),
    output:
        f"{RESULTS}/benchmarks/ttest/{{ttest}}/{{dataset}}.parquet",
    log:
        f"{LOGS}/benchmark_ttest/{{ttest}}/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/benchmark_ttest/{{ttest}}/{{dataset}}.tsv"
    wildcard_constraints:
        ttest=one_of(BENCHMARK.get("ttest", [])),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing_memory(lambda w: evaluation(ttest(w)[1])["model"]),
        runtime=growing(240),
        gpu=GPU,
    params:
        code=code("benchmark_ttest", family=lambda w: evaluated_family(ttest(w)[1])),
        family=lambda w: evaluated_model(ttest(w)[1])["family"],
        folder=lambda w: evaluated_model_folder(ttest(w)[1]),
        samples=lambda w: ttest_samples(w),
        loss=lambda w: stages(ttest(w)[1])["loss"],
        minimum=lambda w: ttest(w)[0]["minimum"],
        cutoff=lambda w: ttest(w)[0]["cutoff"],
        batch_size=lambda w: evaluation(ttest(w)[1]).get("batch_size", 256),
        device=config["compute"]["device"],
        dtype=lambda w: evaluation(ttest(w)[1]).get("dtype", "float32"),
    script:
        "../workflow_scripts/benchmark_ttest.py"


rule benchmark_policies:
    input:
        policy_files(),
    output:
        policies=f"{RESULTS}/benchmarks/policies.csv",
        compared=f"{RESULTS}/benchmarks/policies-compared.csv",
    log:
        f"{LOGS}/benchmark_policies.log",
    benchmark:
        f"{BENCHMARKS}/benchmark_policies.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("benchmark_policies"),
        policies=policy_losses(),
    script:
        "../workflow_scripts/benchmark_policies.py"


rule benchmark_shares:
    input:
        tables=tables_pages(),
        shard=lambda w: shard_predictions(),
    output:
        runs=f"{RESULTS}/benchmarks/shares.csv",
        rules=f"{RESULTS}/benchmarks/shares-by-rule.csv",
    log:
        f"{LOGS}/benchmark_shares.log",
    benchmark:
        f"{BENCHMARKS}/benchmark_shares.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("benchmark_shares"),
        jobs=BENCHMARKS,
        logs=LOGS,
        cores=lambda w: workflow.cores,
        others=lambda w: benchmark_only(),
        own_rules=BENCHMARK_RULES,
        shard_label=lambda w: dataset(BENCHMARK["shard"]["dataset"])["label"],
        shard_jobs=lambda w: shard_jobs(),
    script:
        "../workflow_scripts/benchmark_shares.py"


rule benchmarks:
    input:
        records=benchmark_records(),
        growth=f"{RESULTS}/benchmarks/growth.csv",
        shares=f"{RESULTS}/benchmarks/shares.csv",
        rules=f"{RESULTS}/benchmarks/shares-by-rule.csv",
        policies=policies_csv(),
        compared=compared_csv(),
        notebook=lambda w: str(HERE / "notebooks" / "benchmarks.ipynb"),
    output:
        notebook=f"{RESULTS}/benchmarks/benchmarks.ipynb",
        html=report(
            f"{RESULTS}/benchmarks/benchmarks.html",
            category="Benchmarks",
            labels={"what": "notebook"},
            caption="../report/benchmarks-notebook.rst",
        ),
        csv=report(
            f"{RESULTS}/benchmarks/throughput.csv",
            category="Benchmarks",
            labels={"what": "throughput (CSV)"},
            caption="../report/benchmarks-csv.rst",
        ),
        txt=f"{RESULTS}/benchmarks/machine.txt",
        svg=[
            report(
                f"{RESULTS}/figures/benchmarks-{name}.svg",
                category="Benchmarks",
                labels={"what": f"figure: {title}"},
                caption=f"../report/benchmarks-{name}.rst",
            )
            for name, title in benchmark_figures().items()
        ],
        png=[f"{RESULTS}/figures/benchmarks-{name}.png" for name in benchmark_figures()],
    log:
        f"{LOGS}/benchmarks.log",
    benchmark:
        f"{BENCHMARKS}/benchmarks.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("execute_notebook", notebook="benchmarks"),
        notebook=lambda w, input, output: benchmark_parameters(input, output),
    script:
        "../workflow_scripts/execute_notebook.py"
