"""See every command line of this machine, its containers included, as any user could.

python -m tests.lab.argv_watch FILE   (writes what it saw when it is told to end)
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import process_list

EVERY_SECONDS = 0.02


@contextmanager
def watched(folder: Path) -> Iterator[set[bytes]]:
    """Collect all command lines while the block lasts; the set is filled when it ends."""
    seen: set[bytes] = set()
    file = folder / "command-lines"
    watcher = subprocess.Popen(
        [sys.executable, "-m", "tests.lab.argv_watch", str(file)], stdout=subprocess.PIPE
    )
    try:
        assert watcher.stdout is not None
        watcher.stdout.read(1)  # it watches now
        yield seen
    finally:
        watcher.terminate()
        watcher.wait(timeout=30)
    seen.update(bytes.fromhex(line) for line in file.read_text().splitlines())


def main() -> None:
    """Look until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    seen: set[bytes] = set()
    print(".", end="", flush=True)
    while not stop.wait(EVERY_SECONDS):
        seen.update(line for _, line in process_list.read_all())
    Path(sys.argv[1]).write_text("".join(f"{line.hex()}\n" for line in seen))


if __name__ == "__main__":
    main()
