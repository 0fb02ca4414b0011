"""Read files of images that anybody made: which files are images, and why others are left out.

`listing` lists the files below a folder, `images` decodes one, `image_formats` knows the formats by
their first bytes, and `left_out` counts and explains what is not used.
"""
