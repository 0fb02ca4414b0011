"""The identity of the code behind a result: it changes if the numbers may change.

`source_modules` reads the source of Python modules, `normal_form` keeps the parts that affect
results, and `identity` makes one digest of a rule's script and all that it uses.
"""
