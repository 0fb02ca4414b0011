"""Keep the drawings of a model that a judge agrees with, or that a person ticked.

In: the drawings (a data set), and the prompts and the judge's model, or the list of ticked files.
Out: the data set of the kept drawings, whose metadata lists the others.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.baselines import judge
    from diffusion_classifier.baselines.baseline import Setting
    from diffusion_classifier.baselines.registry import baseline

    given, params = snakemake.input, snakemake.params
    drawings = files.read_parquet(given.drawings)
    if given.ticked:
        kept, reason = judge.ticked(params.ticked, drawings), judge.NOT_TICKED
    else:
        device, dtype = compute(snakemake)
        setting = Setting(params.spec, device, dtype, **params.setting)
        kind = baseline(params.spec["kind"])
        kept = judge.agreed(kind, setting, given.drawings, given.prompts)
        reason = judge.DISAGREES
    found, record = judge.keep(drawings, kept, reason)
    files.write_parquet_pieces([found], snakemake.output[0], record.metadata)
