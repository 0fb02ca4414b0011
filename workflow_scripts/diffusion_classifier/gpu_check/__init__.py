"""A short command that measures the product on a GPU and checks its numbers there.

Each part (`command.PARTS`) runs in a separate process with a time limit, and its results are
written when it ends. `--rehearse` runs all parts on the CPU with tiny sizes.
"""
