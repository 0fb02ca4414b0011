"""Training the miniature models: from a data set and a recipe to a diffusers model folder.

`recipes` knows the families that can be trained, `loop` is the one training loop of them all, and
`record` is what is kept of a training beside its weights.
"""
