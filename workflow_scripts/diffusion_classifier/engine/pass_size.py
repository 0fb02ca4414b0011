"""How many evaluations go into one pass of the network by default."""

LARGEST, VALUES = 128, 2**19


def evaluations_per_pass(values: int) -> int:
    """What fits into the memory of most devices, for latents of so many values.

    >>> evaluations_per_pass(1 * 16 * 16), evaluations_per_pass(4 * 64 * 64)
    (128, 32)
    """
    return max(1, min(LARGEST, VALUES // values))
