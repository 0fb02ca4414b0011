"""Checks that a schema cannot express: a module for each section of a config, and two for numbers.

Every check raises InputError with the key, what was found, what was expected and what to do. Checks
read only folders and small files, and no weights of networks.
"""
