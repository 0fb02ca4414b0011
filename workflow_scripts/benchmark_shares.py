"""Compute the share of a run's time that is spent outside of networks.

In: finished runs, with the folders of their jobs' durations and logs. Out: CSV, one line per run,
and CSV, one line per run and rule.
"""

from job import job

with job(snakemake) as snakemake:
    from pathlib import Path

    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.time_shares import (
        job_records,
        rule_shares,
        run_shares,
        without,
    )

    params = snakemake.params
    records = job_records(Path(params.jobs), Path(params.logs))
    runs = {
        "whole run": (without(records, params.others, params.own_rules), params.cores),
        # these jobs are counted as if they ran one after the other
        params.shard_label: (records[records["job"].isin(params.shard_jobs)], 1),
    }
    totals = [run_shares(name, jobs, cores) for name, (jobs, cores) in runs.items()]
    rules = [rule_shares(name, jobs) for name, (jobs, _) in runs.items()]
    files.write_csv(pd.DataFrame(totals), snakemake.output.runs)
    files.write_csv(pd.concat(rules), snakemake.output.rules)
