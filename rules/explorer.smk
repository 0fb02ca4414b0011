# A page beside each table, on which every image can be looked at.


rule explorer:
    input:
        unpack(files_of(plan.explorers.inputs)),
    output:
        page=layout.explorer("{table}"),
        small=report(
            layout.report_explorer("{table}"),
            category=of_job(plan.tables.category),
            subcategory="{table}",
            labels={"what": "images"},
            caption="../report/explorer.rst",
        ),
    log:
        f"{layout.logs}/explorer/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/explorer/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(plan.explorers.names()),
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("explorer"),
        table=of_job(plan.explorers.parameters),
    script:
        "../workflow_scripts/explorer.py"
