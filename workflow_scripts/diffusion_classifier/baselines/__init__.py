"""Classifiers to compare with, all of them with predictions in the same file format.

`registry` lists their kinds, `baseline` defines what each of them has to provide, and `answers`
fits one and makes its predictions. Modules that import PyTorch are apart from the classes that the
registry names, as checking a config must be fast.
"""
