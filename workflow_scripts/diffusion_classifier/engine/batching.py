"""Choose how many evaluations go into one pass of the network: a given number or the fastest."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import torch

FIRST = 16
LARGEST = 4096
GAIN = 1.05  # a batch stops growing if its rate grows by less


class Batches:
    """Cuts evaluations into ranges that fit in the device's memory.

    `size` is the number of evaluations in a pass; `auto` starts with FIRST and doubles it until the
    rate stops growing. A pass that does not fit in memory is halved and repeated, and no later pass
    is larger. `counts` are the evaluations and the passes that were made.
    """

    def __init__(self, size: int | str, device: torch.device) -> None:
        self.device = device
        self.growing = size == "auto"
        self.size = FIRST if self.growing else int(size)
        self.counts = (0, 0)
        self._rate = 0.0
        self._redo = False

    def ranges(self, total: int, start: int = 0) -> Iterator[range]:
        """Ranges from `start` to `total`; call `too_large` before the next if one does not fit."""
        while start < total:
            part = range(start, min(start + self.size, total))
            begun = time.perf_counter()
            yield part
            if self._redo:
                self._redo = False
                continue
            start = part.stop
            self.counts = self.counts[0] + len(part), self.counts[1] + 1
            if self.growing and len(part) == self.size:
                self._grow(begun)

    def too_large(self) -> None:
        """Repeat the last range in halves, as it did not fit in memory.

        Raises MemoryError if it was a single evaluation.
        """
        if self.size == 1:
            raise MemoryError("a single evaluation does not fit in the memory of the device")
        self.size, self.growing, self._redo = self.size // 2, False, True
        print(f"too little memory: going on with {self.size} evaluations a pass", file=sys.stderr)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _grow(self, begun: float) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # only while the size is sought
        rate = self.size / (time.perf_counter() - begun)
        if rate < GAIN * self._rate:
            self.size, self.growing = max(1, self.size // 2), False
        elif self.size >= LARGEST:
            self.growing = False
        else:
            self._rate, self.size = rate, 2 * self.size


def out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that the memory of the device or of the host is full."""
    # PyTorch has no error class for the host's memory
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
