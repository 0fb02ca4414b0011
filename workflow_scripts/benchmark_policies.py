"""Compare the costs and accuracies of policies.

In: predictions of every policy. Out: CSV, one row per data set and policy, and the comparison of
each with the first.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.policies import comparison_table, policy_table

    paths = iter(snakemake.input)
    predictions = {}
    for dataset, policies in snakemake.params.policies.items():
        predictions[dataset] = {}
        for policy, loss in policies.items():
            table = files.read_parquet(next(paths))
            predictions[dataset][policy] = table[table["loss"] == loss]
    files.write_csv(policy_table(predictions), snakemake.output.policies)
    files.write_csv(comparison_table(predictions), snakemake.output.compared)
