"""Choose the images of a pool that a baseline gets wrong, as ImageNet-A was made.

In: the pool (a data set file) and a trained network. Out: the data set of wrongly classified
images, and their positions in the pool, which a config may name as `indices` of a data set.
"""

from job import compute, job

with job(snakemake) as snakemake:
    from diffusion_classifier import files
    from diffusion_classifier.baselines import small_networks
    from diffusion_classifier.data.choosing.adversarial import adversarial_filter
    from diffusion_classifier.data.preprocess import Preprocess, pixels

    device, _ = compute(snakemake)
    pool = files.read_parquet(snakemake.input.pool)
    network = small_networks.load(snakemake.params.folder).to(device)
    images = pixels(pool, Preprocess(**snakemake.params.preprocess))
    predictions, _ = small_networks.predict(network, images)
    labels = pool["label"].to_numpy()
    chosen = adversarial_filter(labels, predictions, snakemake.params.limit, snakemake.params.seed)
    frame = pool.iloc[chosen].reset_index(drop=True)
    files.write_parquet(frame.assign(image=frame.index.astype("int64")), snakemake.output.data)
    positions = pool["image"].iloc[chosen]
    files.write_text("".join(f"{position}\n" for position in positions), snakemake.output.indices)
