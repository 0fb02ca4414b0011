# What the numbers of a table come from, beside it.


rule provenance:
    input:
        csv=f"{RESULTS}/tables/{{table}}.csv",
        models=lambda w: table_weights(w.table),
        data=lambda w: list(data_behind(w.table)),
    output:
        report(
            f"{RESULTS}/tables/{{table}}-provenance.json",
            category="Provenance",
            labels={"table": "{table}"},
            caption="../report/provenance.rst",
        ),
    log:
        f"{LOGS}/provenance/{{table}}.log",
    benchmark:
        f"{BENCHMARKS}/provenance/{{table}}.tsv"
    wildcard_constraints:
        table="|".join(config["tables"]),
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("provenance"),
        config=WRITTEN,
        folders=lambda w: table_folders(w.table),
        data=lambda w: {name: dataset_file(name) for name in data_sets(config, w.table)},
    script:
        "../workflow_scripts/provenance.py"
