"""An apt cache for machines that have no way out: a proxy that reaches this machine's mirrors only.

Packages are kept in `<cache>/apt` for all labs: a package's file never changes under its name. All
else (package lists, signatures) is fetched anew each time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from deployments.lab import images, processes
from deployments.lab.config import CACHE, Lab

NAME = "apt-cache"
PORT = 3142
PACKAGES = CACHE / "apt"
_KEPT_SECONDS = 30 * 24 * 3600


def url(lab: Lab) -> str:
    """Return the proxy that machines are given."""
    return f"http://{lab.operator}:{PORT}"


def start(lab: Lab) -> None:
    """Start the cache unless it runs; return when it accepts connections. Idempotent."""
    # Outside the namespace: it is the one daemon that must reach the world.
    command = [sys.executable, "-m", "deployments.lab.apt_cache", "--host", lab.operator]
    processes.spawn(lab, NAME, [*command, *images.mirrors()], namespace=False)
    processes.wait_listening(lab, NAME, lab.operator, PORT, seconds=20)


class Writable(Protocol):
    """Where bytes can go."""

    def write(self, data: bytes, /) -> int:
        """Take the bytes."""


class Proxy(BaseHTTPRequestHandler):
    """Answer apt's requests, from the folder of packages where possible."""

    protocol_version = "HTTP/1.1"
    mirrors: frozenset[str] = frozenset()
    client: httpx.Client

    def do_GET(self) -> None:
        """Answer one request for a mirror's file."""
        wanted = urlsplit(self.path)
        if wanted.hostname not in self.mirrors:
            self._refuse(403, "only this machine's Debian mirrors are served")
        elif (kept := _place(self.path)).is_file():
            self._send_kept(kept)
        else:
            self._fetch(kept if wanted.path.endswith(".deb") else None)

    def _send_kept(self, kept: Path) -> None:
        os.utime(kept)
        with kept.open("rb") as file:
            self._head(200, {"Content-Length": str(kept.stat().st_size)})
            shutil.copyfileobj(file, self.wfile)

    def _fetch(self, keep: Path | None) -> None:
        asked = self.headers.get("If-Modified-Since")
        given = {"Accept-Encoding": "identity"} | ({"If-Modified-Since": asked} if asked else {})
        try:
            with self.client.stream("GET", self.path, headers=given) as answer:
                self._relay(answer, keep if answer.status_code == 200 else None)
        except httpx.HTTPError as failed:
            self._refuse(503, f"{type(failed).__name__}: {failed}")

    def _relay(self, answer: httpx.Response, keep: Path | None) -> None:
        names = ("Content-Length", "Content-Type", "Last-Modified")
        head = {name: answer.headers[name] for name in names if name in answer.headers}
        # Without a length the end of the connection is the end of the file.
        self.close_connection = "Content-Length" not in head and answer.status_code != 304
        self._head(answer.status_code, head)
        try:
            if keep is None:
                _copy(answer.iter_raw(), self.wfile)
            else:
                fresh = keep.with_name(f".{keep.name}-{time.monotonic_ns()}")
                with fresh.open("wb") as file:
                    _copy(answer.iter_raw(), self.wfile, file)
                fresh.replace(keep)
        except httpx.HTTPError as failed:  # the answer has begun: apt sees it end too early
            self.log_error("%s broke off: %s", self.path, failed)
            self.close_connection = True

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _refuse(self, status: int, reason: str) -> None:
        body = reason.encode()
        self._head(status, {"Content-Length": str(len(body)), "Content-Type": "text/plain"})
        self.wfile.write(body)


def _place(address: str) -> Path:
    name = address.rsplit("/", 1)[-1][:150]
    return PACKAGES / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}-{name}"


def _copy(chunks: Iterator[bytes], *targets: Writable) -> None:
    for chunk in chunks:
        for target in targets:
            target.write(chunk)


def _forget_old() -> None:
    """Remove what no machine asked for in a month, and what a killed cache left half-written."""
    for path in PACKAGES.iterdir():
        age = time.time() - path.stat().st_mtime
        if age > (3600 if path.name.startswith(".") else _KEPT_SECONDS):
            path.unlink(missing_ok=True)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("mirrors", nargs="+")
    asked = parser.parse_args()
    PACKAGES.mkdir(parents=True, exist_ok=True)
    _forget_old()
    Proxy.mirrors = frozenset(asked.mirrors)
    Proxy.client = httpx.Client(follow_redirects=True, timeout=httpx.Timeout(30, connect=10))
    ThreadingHTTPServer((asked.host, PORT), Proxy).serve_forever()


if __name__ == "__main__":
    main()
