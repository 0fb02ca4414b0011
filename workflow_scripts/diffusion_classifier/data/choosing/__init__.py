"""Choose images of a source, and change them.

`shares` draws a number of images with the shares of their classes, `indices` takes given ones,
`adversarial` those that a classifier gets wrong, and `shifts` alters images.
"""
