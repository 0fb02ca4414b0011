"""Which methods are compared image by image; apart, as every start of snakemake reads it."""

COMPARED_KINDS = ("baseline", "more-data")
"""Kinds of methods that diffusion classifiers are compared with (`config.methods.method_kind`)."""
