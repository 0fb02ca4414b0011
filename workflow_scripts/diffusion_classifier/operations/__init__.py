"""Tools to run the workflow: costs, progress, provenance of numbers, and damaged files.

`costs` and `job_resources` estimate before anything runs; `status` reads a results folder; `damage`
renames damaged files. `table_provenance`, `expected` and `code` check whether numbers can be
trusted.
"""
