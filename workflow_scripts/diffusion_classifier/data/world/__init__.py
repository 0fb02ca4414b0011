"""A rendered world of captioned scenes, small enough for a model to learn in an hour.

`world` defines the scenes, `render` draws them and `captions` describes them.
"""
