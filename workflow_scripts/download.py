"""Fetch a pretrained model: from the Hugging Face hub, or one of torchvision's classifiers.

In: the network, or the user's caches. Out: a model folder of safetensors and configs, with
`hub.json` (repository, commit, files) if the model is from the hub.
"""

from job import job

with job(snakemake) as snakemake:
    from diffusion_classifier.weights.hub import fetch
    from diffusion_classifier.weights.torchvision_weights import fetch_torchvision

    weights, folder = snakemake.params.weights, snakemake.output.folder
    if "torchvision" in weights:
        fetch_torchvision(weights["torchvision"], folder)
    else:
        patterns, variant = weights.get("patterns"), weights.get("variant")
        fetch(weights["hub"], weights["revision"], folder, patterns, variant)
