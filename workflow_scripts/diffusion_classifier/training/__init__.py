"""Train the miniature models: a data set and a recipe become a diffusers model folder.

`recipes` lists the families that can be trained, `loop` is the training loop of all of them, and
`record` describes a finished training.
"""
