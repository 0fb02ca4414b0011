"""What a schema cannot say of a config; one module for each of its sections.

Every check raises InputError, which names the key, what was found, what was expected and what to
do. They read folders and small files at most, and never a network's weights.
"""
