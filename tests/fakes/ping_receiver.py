"""A small HTTP receiver of heartbeats, with the answers that healthchecks.io gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

CHECK = "/5f7a3c1e-0b0a-4a0e-9d6b-1c2d3e4f5a6b"
"""The path of the one check that it knows."""
_SIGNALS = {CHECK: "success", f"{CHECK}/start": "start", f"{CHECK}/fail": "fail"}


class PingReceiver(ThreadingHTTPServer):
    """Keeps the signals of one check; `status` and `silent` give it a bad day."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, str]] = []
        self.status = 200
        self.silent = Event()
        self.over = Event()

    @property
    def url(self) -> str:
        """The ping URL of its check."""
        return f"http://127.0.0.1:{self.server_address[1]}{CHECK}"


class _Handler(BaseHTTPRequestHandler):
    server: PingReceiver

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.server.silent.is_set():
            self.server.over.wait(20)
            return
        signal = _SIGNALS.get(self.path)
        if signal and self.server.status == 200:
            self.server.heard.append((signal, text))
        # healthchecks.io answers 200 to a check that it does not know, and says so in the body.
        body = b"OK" if signal else b"OK (not found)"
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"{CHECK}/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def ping_receiver() -> Iterator[PingReceiver]:
    """Run one while the block lasts."""
    with PingReceiver() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
