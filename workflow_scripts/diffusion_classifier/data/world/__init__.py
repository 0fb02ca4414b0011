"""A rendered world of captioned scenes: small enough to learn in an hour, rich enough to ask about.

`world` says what there can be, `render` draws it, `captions` describes it.
"""
