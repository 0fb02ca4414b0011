"""The command `diffusion-classifier` and the Python interface.

`commands` runs the commands, `options` defines their command line, `inputs` reads the images,
prompts and model of `classify`, and `output` formats its answer. `classify.classify` classifies
images with a model in one call, without Snakemake.
"""
