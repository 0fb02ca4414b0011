"""Train a miniature model: a DiT, a CLIP, or a Stable Diffusion.

In: the training images (one data set file), and the CLIP whose text encoder a Stable Diffusion
starts from. Out: a model folder in the diffusers layout, with `training.json` (the whole recipe,
seconds, versions) and `loss_curve.csv` beside the weights.
"""

from job import compute, job

with job(snakemake) as snakemake:
    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.training.recipes import train_model

    device, _ = compute(snakemake)
    table = files.read_parquet(snakemake.input.data)
    with files.atomic_folder(snakemake.output.folder) as folder:
        clip = snakemake.params.text_encoder
        curve, record = train_model(table, snakemake.params.model, folder, device, clip)
        files.write_csv(pd.DataFrame(curve), folder / "loss_curve.csv")
        files.write_json(record, folder / "training.json")
