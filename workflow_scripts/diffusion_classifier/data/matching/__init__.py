"""Matching tasks: which captions belong to which images.

A description (a YAML file) says how the items of a benchmark are made of its files. `description`
reads it, `records` reads the files, `items` makes the items, and `stored` says how they are kept
beside the images of a data set.
"""
