"""Reading a config, and refusing what cannot work before anything runs.

`configuration` checks a config by its schema and `checks` what a schema cannot say. `methods`,
`seeds`, `places` and `image_counts` answer questions about a config: names, trainings, paths,
sizes.
"""
