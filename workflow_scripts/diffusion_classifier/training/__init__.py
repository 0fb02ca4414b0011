"""Train the miniature models: a data set and a recipe become a diffusers model folder.

`registry` lists the families that can be trained and `recipes` trains them; `loop` is the training
loop of all of them, and writes the record of a training.
"""
