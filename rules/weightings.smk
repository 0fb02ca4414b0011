# Weights of timesteps, learned from a few labels and stored errors: no network is evaluated again.

for job in plan.weightings.jobs():

    rule:
        name:
            numbered("weighted_predictions", job.number)
        input:
            errors=plan.weightings.errors(job),
            prompts=plan.data.prompts(job.dataset),
            data=layout.data(job.dataset),
        output:
            predictions=plan.weightings.predictions(job),
            weights=plan.weightings.weights(job),
        log:
            layout.log(f"weighted_predictions/{job.methods[0]}/{job.dataset}"),
        benchmark:
            layout.benchmark(f"weighted_predictions/{job.methods[0]}/{job.dataset}")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(plan.weightings.memory(job)),
            runtime=growing(60),
        params:
            code=code("weighted_predictions"),
            labelled=plan.weightings.labelled(job),
            learned_from=plan.weightings.draws(job),
            pruning=plan.weightings.pruning(job),
        script:
            "../workflow_scripts/weighted_predictions.py"


for job in plan.weightings.matching_jobs():

    rule:
        name:
            numbered("weighted_similarities", job.number)
        input:
            errors=plan.weightings.errors(job),
            prompts=plan.data.prompts(job.dataset),
            data=layout.data(job.dataset),
        output:
            similarities=plan.weightings.similarities(job),
            weights=plan.weightings.matching_weights(job),
        log:
            layout.log(f"weighted_similarities/{job.methods[0]}/{job.dataset}"),
        benchmark:
            layout.benchmark(f"weighted_similarities/{job.methods[0]}/{job.dataset}")
        conda:
            "../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(plan.weightings.memory(job)),
            runtime=growing(60),
        params:
            code=code("weighted_similarities"),
            labelled=plan.weightings.labelled(job),
            learned_from=plan.weightings.draws(job),
        script:
            "../workflow_scripts/weighted_similarities.py"
