# Scores of all methods, and the notebook that renders them.


rule scores:
    input:
        lambda w: predictions_files(w.table),
    output:
        scores=f"{RESULTS}/scores/{{table}}.parquet",
        paired=f"{RESULTS}/scores/{{table}}-paired.parquet",
        csv=f"{RESULTS}/scores/{{table}}.csv",
    log:
        f"{LOGS}/scores/{{table}}.log",
    benchmark:
        f"{BENCHMARKS}/scores/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(config["tables"]),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        methods=lambda w: {name: method_entry(name) for name in table_methods(w.table)},
        datasets=lambda w: config["tables"][w.table]["datasets"],
    script:
        "../workflow_scripts/scores.py"


rule robustness:
    input:
        scores=f"{RESULTS}/scores/robustness.parquet",
        paired=f"{RESULTS}/scores/robustness-paired.parquet",
        predictions=lambda w: shown_predictions("robustness"),
        data=[dataset_file(name) for name in table_spec("robustness")["datasets"]],
        curve_errors=lambda w: curve_errors("robustness"),
        curve_schedule=lambda w: curve_schedule("robustness"),
        notebook=str(HERE / "notebooks" / "robustness.ipynb"),
    output:
        notebook=f"{RESULTS}/tables/robustness.ipynb",
        html=report(
            f"{RESULTS}/tables/robustness.html",
            category="Robustness",
            labels={"what": "notebook"},
            caption="../report/robustness-notebook.rst",
        ),
        table=report(
            f"{RESULTS}/tables/robustness-table.html",
            category="Robustness",
            labels={"what": "table"},
            caption="../report/robustness-table.rst",
        ),
        csv=report(
            f"{RESULTS}/tables/robustness.csv",
            category="Robustness",
            labels={"what": "table (CSV, long form)"},
            caption="../report/robustness-csv.rst",
        ),
        tex=f"{RESULTS}/tables/robustness.tex",
        txt=f"{RESULTS}/tables/robustness.txt",
        svg=[
            report(
                f"{RESULTS}/figures/robustness-{name}.svg",
                category="Robustness",
                labels={"what": f"figure: {title}"},
                caption=f"../report/robustness-{name}.rst",
            )
            for name, title in ROBUSTNESS_FIGURES.items()
        ],
        png=[f"{RESULTS}/figures/robustness-{name}.png" for name in ROBUSTNESS_FIGURES],
    log:
        f"{LOGS}/robustness.log",
    benchmark:
        f"{BENCHMARKS}/robustness.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        notebook=lambda w, input, output: robustness_parameters(input, output),
    script:
        "../workflow_scripts/execute_notebook.py"
