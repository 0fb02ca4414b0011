# Weights of timesteps, learned from a few labels and stored errors: no network is evaluated again.


rule weighted_predictions:
    input:
        errors=of_job(plan.weightings.errors),
        prompts=of_job(plan.data.prompts),
        data=layout.data("{dataset}"),
    output:
        predictions=layout.predictions("{weighting}", "{dataset}"),
        weights=layout.timestep_weights("{weighting}", "{dataset}"),
    log:
        f"{layout.logs}/weighted_predictions/{{weighting}}/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/weighted_predictions/{{weighting}}/{{dataset}}.tsv"
    wildcard_constraints:
        weighting=one_of(config["weightings"]),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.weightings.memory),
        runtime=growing(60),
    params:
        code=code("weighted_predictions"),
        labelled=of_job(plan.weightings.labelled),
        draw=of_job(plan.weightings.draw),
        pruning=of_job(plan.weightings.pruning),
    script:
        "../workflow_scripts/weighted_predictions.py"
