"""Where Knot and PowerDNS are, and what running them for a test has in common."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1"


@cache
def programs() -> Path:
    """Return the folder that Knot and PowerDNS were unpacked into."""
    done = subprocess.run(
        [ROOT / "script/fetch-name-servers"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@contextmanager
def running(argv: Sequence[object], log: Path, ready: Callable[[], object]) -> Iterator[None]:
    """Run a server as a child of this process while the block lasts."""
    with log.open("wb") as output:
        child = subprocess.Popen([str(each) for each in argv], stdout=output, stderr=output)
    try:
        await_it(ready, lambda: f"status {child.poll()}: {log.read_text()}", child)
        yield
    finally:
        child.terminate()
        child.wait(timeout=20)


def await_it(
    ready: Callable[[], object],
    explain: Callable[[], str],
    child: subprocess.Popen[bytes] | None = None,
) -> None:
    """Wait until `ready` returns something true; what it raises of networks means not yet."""
    deadline = time.monotonic() + 20
    while True:
        with suppress(OSError, dns.exception.DNSException, IndexError):
            if ready():
                return
        assert time.monotonic() < deadline, explain()
        assert child is None or child.poll() is None, explain()
        time.sleep(0.05)


def serial(zone: str, port: int) -> int:
    """Return the serial that a server answers."""
    query = dns.message.make_query(zone, "SOA", flags=0)
    response = dns.query.tcp(query, ADDRESS, port=port, timeout=2)
    return int(response.answer[0][0].serial)


def update(
    zone: str, name: str, values: Sequence[str], *, port: int, key: str, secret: str
) -> None:
    """Edit an A record as somebody else would, by an update without prerequisites."""
    message = dns.update.UpdateMessage(zone, keyring=dns.tsigkeyring.from_text({key: secret}))
    message.delete(f"{name}.", "A")
    if values:
        message.add(f"{name}.", 60, "A", *values)
    response = dns.query.tcp(message, ADDRESS, port=port, timeout=5)
    assert response.rcode() == dns.rcode.NOERROR, response
