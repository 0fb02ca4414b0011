"""Images and prompts: where they come from, and how they enter a model.

`sources` opens data sets, `world` renders scenes, `images` decodes files and `preprocess` brings
them to a model's size. `prompt_sets` reads and makes prompts, `class_lists` names known classes.
"""
