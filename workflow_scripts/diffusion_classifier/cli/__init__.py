"""The commands, and the only code that talks to a person.

`commands` is what `diffusion-classifier` runs, `options` says what may stand on its
command line, `output` prints what was found. `classify` asks a model about images in one go,
without Snakemake.
"""
