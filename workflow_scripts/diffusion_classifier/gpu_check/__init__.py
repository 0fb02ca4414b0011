"""One short command that measures the product on a GPU and proves its numbers there.

Each part of it (`parts.PARTS`) runs in a process of its own with a time limit; what it finds is
written after every part. `--rehearse` runs all of them on the CPU with tiny sizes.
"""
