"""Discriminative classifiers trained on the same images, to compare with."""
