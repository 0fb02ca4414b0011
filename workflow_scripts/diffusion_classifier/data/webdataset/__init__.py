"""CLIP_benchmark's form of webdataset: TAR archives, with class names and templates beside them.

`tar_files` lists the members of archives, `class_texts` reads the text files, and
`clip_benchmark_sets` has what is known of the data sets that the hub has in this form.
"""
