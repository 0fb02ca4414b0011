"""Read images and prompts and prepare them for a model.

`sources` opens data sets, of which `choosing` takes images; `world` renders scenes, `image_files`
reads files and `preprocess` resizes images to a model's input. `stored_images` reads a data set
that the workflow has stored. `prompt_sets` reads and makes prompts; `class_lists` has the class
names of known data sets. `matching` and `webdataset` read two widespread forms of benchmarks.
"""
