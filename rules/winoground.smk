# Winoground: which caption goes with which image, and the notebook that renders it.


rule winoground_scores:
    input:
        similarities=lambda w: similarity_files(table_methods("winoground")),
        data=dataset_file(winoground_dataset()),
        prompts=lambda w: winoground_prompts(),
    output:
        scores=f"{RESULTS}/scores/winoground.parquet",
        correct=f"{RESULTS}/scores/winoground-correct.parquet",
        csv=f"{RESULTS}/scores/winoground.csv",
    log:
        f"{LOGS}/winoground_scores.log",
    benchmark:
        f"{BENCHMARKS}/winoground_scores.tsv"
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("winoground_scores"),
        methods=lambda w: {name: method_entry(name) for name in table_methods("winoground")},
        dataset=winoground_dataset(),
    script:
        "../workflow_scripts/winoground_scores.py"


rule winoground:
    input:
        scores=f"{RESULTS}/scores/winoground.parquet",
        correct=f"{RESULTS}/scores/winoground-correct.parquet",
        data=dataset_file(winoground_dataset()),
        prompts=lambda w: winoground_prompts(),
        errors=lambda w: winoground_errors(),
        similarity=lambda w: similarity_files([shown_method("winoground")])[0],
        maps=lambda w: winoground_maps(),
        published=lambda w: given("tables", "winoground"),
        notebook=lambda w: str(HERE / "notebooks" / "winoground.ipynb"),
    output:
        notebook=f"{RESULTS}/tables/winoground.ipynb",
        html=report(
            f"{RESULTS}/tables/winoground.html",
            category="Compositional reasoning",
            labels={"what": "notebook"},
            caption="../report/winoground-notebook.rst",
        ),
        table=report(
            f"{RESULTS}/tables/winoground-table.html",
            category="Compositional reasoning",
            labels={"what": "table"},
            caption="../report/winoground-table.rst",
        ),
        csv=report(
            f"{RESULTS}/tables/winoground.csv",
            category="Compositional reasoning",
            labels={"what": "table (CSV, long form)"},
            caption="../report/winoground-csv.rst",
        ),
        published=[
            report(
                name,
                category="Compositional reasoning",
                labels={"what": "beside the paper's numbers (CSV)"},
                caption="../report/published-csv.rst",
            )
            for name in published_csv("winoground")
        ],
        tex=f"{RESULTS}/tables/winoground.tex",
        txt=f"{RESULTS}/tables/winoground.txt",
        svg=[
            report(
                f"{RESULTS}/figures/winoground-{name}.svg",
                category="Compositional reasoning",
                labels={"what": f"figure: {title}"},
                caption=f"../report/winoground-{name}.rst",
            )
            for name, title in winoground_figures().items()
        ],
        png=[f"{RESULTS}/figures/winoground-{name}.png" for name in winoground_figures()],
    log:
        f"{LOGS}/winoground.log",
    benchmark:
        f"{BENCHMARKS}/winoground.tsv"
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("execute_notebook", notebook="winoground"),
        notebook=lambda w, input, output: winoground_parameters(input, output),
    script:
        "../workflow_scripts/execute_notebook.py"
