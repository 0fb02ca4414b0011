"""A page beside each table on which every image can be looked at, with what each method says.

`shown` lists what a page shows of a data set, `answers` ranks the classes of each image by the
scores of a method and `evidence` by the errors of a diffusion classifier, `thumbnails` packs the
images, and `page` writes all of it, with the files of the folder `web`, as one HTML file.
"""
