# Scores of all methods, and the notebook that renders them.


rule scores:
    input:
        of_job(plan.tables.predictions),
    output:
        scores=layout.scores("{table}"),
        correct=layout.scores("{table}", "correct"),
        paired=layout.scores("{table}", "paired"),
        clip_benchmark=layout.scores("{table}", "clip-benchmark"),
        csv=layout.scores_csv("{table}"),
    log:
        f"{layout.logs}/scores/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/scores/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(plan.tables.scored_from("predictions")),
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
        methods=of_job(plan.tables.entries),
        datasets=of_job(plan.tables.datasets),
    script:
        "../workflow_scripts/scores.py"


rule compositional_scores:
    input:
        similarities=of_job(plan.tables.similarities),
        data=of_job(plan.tables.first_images),
        prompts=of_job(plan.tables.first_prompts),
    output:
        scores=layout.scores("{table}"),
        correct=layout.scores("{table}", "correct"),
        csv=layout.scores_csv("{table}"),
    log:
        f"{layout.logs}/compositional_scores/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/compositional_scores/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(plan.tables.scored_from("similarities")),
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("compositional_scores"),
        methods=of_job(plan.tables.entries),
        datasets=of_job(plan.tables.datasets),
    script:
        "../workflow_scripts/compositional_scores.py"


rule matching_scores:
    input:
        similarities=of_job(plan.tables.matches),
        data=of_job(plan.tables.data_files),
        prompts=of_job(plan.tables.prompt_files),
    output:
        scores=layout.scores("{table}"),
        correct=layout.scores("{table}", "correct"),
        paired=layout.scores("{table}", "paired"),
        weighting=layout.scores("{table}", "weighting"),
        effects=layout.scores("{table}", "effects"),
        csv=layout.scores_csv("{table}"),
    log:
        f"{layout.logs}/matching_scores/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/matching_scores/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(plan.tables.scored_from("matches")),
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("matching_scores"),
        methods=of_job(plan.tables.entries),
        answers=of_job(plan.tables.answers),
        weighted=of_job(plan.tables.weighted),
        datasets=of_job(plan.tables.datasets),
    script:
        "../workflow_scripts/matching_scores.py"


rule curves:
    input:
        unpack(files_of(plan.curves.inputs)),
    output:
        layout.curves("{table}"),
    log:
        f"{layout.logs}/curves/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/curves/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(plan.curves.names()),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.curves.memory),
        runtime=growing(30),
    params:
        code=code("curves"),
        errors=of_job(plan.curves.errors),
        data=of_job(plan.curves.data),
        prompts=of_job(plan.curves.prompts),
        captions=of_job(plan.curves.has_captions),
    script:
        "../workflow_scripts/curves.py"


rule table:
    input:
        unpack(files_of(plan.notebooks.inputs)),
    output:
        folder=report(
            directory(layout.table("{table}")),
            patterns=["{shown,[^/]+}.{format,csv|html|json|svg}"],
            category=of_job(plan.tables.category),
            subcategory="{table}",
            labels=of_job(plan.tables.labels),
            caption="../report/table.rst",
        ),
    log:
        f"{layout.logs}/table/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/table/{{table}}.tsv"
    group:
        None if WITHOUT_DISK else "tables"
    localrule: WITHOUT_DISK
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("table", notebook=plan.tables.notebook),
        source=of_job(plan.tables.notebook),
        notebook=of_job(plan.notebooks.parameters),
        captions=of_job(plan.tables.captions),
        weights=of_job(plan.tables.weights),
        data=of_job(plan.tables.images_behind),
        answers=of_job(plan.tables.evaluation_answers),
        clip_benchmark=of_job(plan.tables.clip_benchmark),
    script:
        "../workflow_scripts/table.py"
