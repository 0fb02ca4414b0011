"""Running the workflow: what it costs, how far it is, where its numbers come from, what broke.

`costs` and `job_resources` estimate before anything runs; `status` reads a results folder; `damage`
sets damaged files aside. `table_provenance`, `expected` and `code` say whether numbers can be
trusted.
"""
