"""What every user of this machine sees of its processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def read_all(file: str = "cmdline", proc: Path = Path("/proc")) -> Iterator[tuple[int, bytes]]:
    """Yield the number of each process that runs now and what a file of its folder holds.

    A process that ends meanwhile is left out, whatever its folder answers then (a glob over
    the files would raise ESRCH).
    """
    for folder in proc.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                yield int(folder.name), (folder / file).read_bytes()
