"""Fetch models, check that their folders are complete, and load their networks.

`model_parts`, `inputs` and `conventions` read only the configs in a model's folder, so that a model
can be checked before anything runs. `networks` loads a network; `weight_files` checks that its
files have every tensor that the network needs.
"""
