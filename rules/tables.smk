# Scores of all methods, and the notebook that renders them.


rule scores:
    input:
        lambda w: predictions_files(w.table),
    output:
        scores=f"{RESULTS}/scores/{{table}}.parquet",
        correct=f"{RESULTS}/scores/{{table}}-correct.parquet",
        paired=f"{RESULTS}/scores/{{table}}-paired.parquet",
        csv=f"{RESULTS}/scores/{{table}}.csv",
    log:
        f"{LOGS}/scores/{{table}}.log",
    benchmark:
        f"{BENCHMARKS}/scores/{{table}}.tsv"
    wildcard_constraints:
        table="robustness|accuracy",
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("scores"),
        methods=lambda w: {name: method_entry(name) for name in table_methods(w.table)},
        datasets=lambda w: config["tables"][w.table]["datasets"],
    script:
        "../workflow_scripts/scores.py"


rule robustness:
    input:
        scores=f"{RESULTS}/scores/robustness.parquet",
        correct=f"{RESULTS}/scores/robustness-correct.parquet",
        paired=f"{RESULTS}/scores/robustness-paired.parquet",
        predictions=lambda w: shown_predictions("robustness"),
        data=[dataset_file(name) for name in table_datasets("robustness")],
        data_behind=lambda w: list(data_behind("robustness")),
        curve_errors=lambda w: curve_errors("robustness"),
        curve_schedule=lambda w: curve_schedule("robustness"),
        published=lambda w: given("tables", "robustness"),
        first_stages=lambda w: first_stages_files("robustness"),
        notebook=lambda w: str(HERE / "notebooks" / "robustness.ipynb"),
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
        published=[
            report(
                name,
                category="Robustness",
                labels={"what": "beside the paper's numbers (CSV)"},
                caption="../report/published-csv.rst",
            )
            for name in published_csv("robustness")
        ],
        ceilings=[
            report(
                name,
                category="Robustness",
                labels={"what": "ceilings of accuracy (CSV)"},
                caption="../report/ceilings-csv.rst",
            )
            for name in ceilings_csv("robustness")
        ],
        tex=f"{RESULTS}/tables/robustness.tex",
        txt=f"{RESULTS}/tables/robustness.txt",
        svg=[
            report(
                f"{RESULTS}/figures/robustness-{name}.svg",
                category="Robustness",
                labels={"what": f"figure: {title}"},
                caption=f"../report/robustness-{name}.rst",
            )
            for name, title in robustness_figures().items()
        ],
        png=[f"{RESULTS}/figures/robustness-{name}.png" for name in robustness_figures()],
    log:
        f"{LOGS}/robustness.log",
    benchmark:
        f"{BENCHMARKS}/robustness.tsv"
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("execute_notebook", notebook="robustness"),
        notebook=lambda w, input, output: robustness_parameters(input, output),
    script:
        "../workflow_scripts/execute_notebook.py"


rule accuracy:
    input:
        scores=f"{RESULTS}/scores/accuracy.parquet",
        correct=f"{RESULTS}/scores/accuracy-correct.parquet",
        paired=f"{RESULTS}/scores/accuracy-paired.parquet",
        predictions=lambda w: shown_predictions("accuracy"),
        data=[dataset_file(name) for name in table_datasets("accuracy")],
        data_behind=lambda w: list(data_behind("accuracy")),
        prompts=[f"{RESULTS}/prompts/{name}.csv" for name in table_prompts("accuracy")],
        curve_errors=lambda w: [file for files in accuracy_curves().values() for file in files],
        reconstructions=lambda w: accuracy_reconstructions(),
        trend=[
            path
            for of_version in accuracy_trend().values()
            for paths in of_version.values()
            for path in paths
        ],
        published=lambda w: given("tables", "accuracy"),
        first_stages=lambda w: first_stages_files("accuracy"),
        notebook=lambda w: str(HERE / "notebooks" / "accuracy.ipynb"),
    output:
        notebook=f"{RESULTS}/tables/accuracy.ipynb",
        html=report(
            f"{RESULTS}/tables/accuracy.html",
            category="Zero-shot accuracy",
            labels={"what": "notebook"},
            caption="../report/accuracy-notebook.rst",
        ),
        table=report(
            f"{RESULTS}/tables/accuracy-table.html",
            category="Zero-shot accuracy",
            labels={"what": "table"},
            caption="../report/accuracy-table.rst",
        ),
        csv=report(
            f"{RESULTS}/tables/accuracy.csv",
            category="Zero-shot accuracy",
            labels={"what": "table (CSV, long form)"},
            caption="../report/accuracy-csv.rst",
        ),
        published=[
            report(
                name,
                category="Zero-shot accuracy",
                labels={"what": "beside the paper's numbers (CSV)"},
                caption="../report/published-csv.rst",
            )
            for name in published_csv("accuracy")
        ],
        ceilings=[
            report(
                name,
                category="Zero-shot accuracy",
                labels={"what": "ceilings of accuracy (CSV)"},
                caption="../report/ceilings-csv.rst",
            )
            for name in ceilings_csv("accuracy")
        ],
        confusions=[
            report(
                name,
                category="Zero-shot accuracy",
                labels={"what": "most confused classes (CSV)"},
                caption="../report/accuracy-confusions.rst",
            )
            for name in accuracy_confusions()
        ],
        trend=[
            report(
                name,
                category="Zero-shot accuracy",
                labels={"what": "accuracy and training (CSV, long form)"},
                caption="../report/accuracy-trend.rst",
            )
            for name in accuracy_trend_csv()
        ],
        tex=f"{RESULTS}/tables/accuracy.tex",
        txt=f"{RESULTS}/tables/accuracy.txt",
        svg=[
            report(
                f"{RESULTS}/figures/accuracy-{name}.svg",
                category="Zero-shot accuracy",
                labels={"what": f"figure: {title}"},
                caption=f"../report/accuracy-{name}.rst",
            )
            for name, title in accuracy_figures().items()
        ],
        png=[f"{RESULTS}/figures/accuracy-{name}.png" for name in accuracy_figures()],
    log:
        f"{LOGS}/accuracy.log",
    benchmark:
        f"{BENCHMARKS}/accuracy.tsv"
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("execute_notebook", notebook="accuracy"),
        notebook=lambda w, input, output: accuracy_parameters(input, output),
    script:
        "../workflow_scripts/execute_notebook.py"
