# Probabilities of all methods of a table, from stored errors and predictions: calibrated, fused, scored.


rule probabilities:
    input:
        errors=of_job(plan.probabilities.errors),
        predictions=of_job(plan.probabilities.predictions),
        data=of_job(plan.probabilities.data_files),
        prompts=of_job(plan.probabilities.prompt_files),
    output:
        scores=layout.scores("{table}", "probabilities"),
        reliability=layout.scores("{table}", "reliability"),
        coverage=layout.scores("{table}", "coverage"),
        parameters=layout.scores("{table}", "calibration"),
    log:
        f"{layout.logs}/probabilities/{{table}}.log",
    benchmark:
        f"{layout.benchmarks}/probabilities/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(plan.probabilities.tables()),
    group:
        "tables"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.probabilities.memory),
        runtime=growing(60),
    params:
        code=code("probabilities"),
        questions=of_job(plan.probabilities.questions),
        fusions=of_job(plan.probabilities.fusions),
        datasets=of_job(plan.probabilities.datasets),
        priors=of_job(plan.probabilities.priors),
        data=of_job(plan.probabilities.images),
        prompts=of_job(plan.probabilities.prompts),
    script:
        "../workflow_scripts/probabilities.py"
