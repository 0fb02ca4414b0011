"""The Python interface and the command `diffusion-classifier`.

`classifier.DiffusionClassifier` classifies images without Snakemake; `measuring` runs the engine,
`stages`, `ranking` and `calibrating` use the functions of the workflow's rules. `commands` runs the
commands, `options` defines their command line, `inputs` reads what `classify` is given, `output`
formats its answer, and `starting` writes a config for a folder of images.
"""
