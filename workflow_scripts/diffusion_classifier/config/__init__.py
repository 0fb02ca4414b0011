"""Check a config before anything runs, and look things up in it.

`configuration` applies the schema and the modules of `checks`, for what a schema cannot express.
`methods` looks up names, `seeds` trainings, `places` paths and `image_counts` sizes.
"""
