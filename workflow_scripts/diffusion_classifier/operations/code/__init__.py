"""The identity of the code that a result comes from: it changes when the numbers may.

`source_modules` reads Python modules as source, `normal_form` says what of a source counts, and
`identity` makes one digest of a rule's script and of all that it uses.
"""
