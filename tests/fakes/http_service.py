"""What every stateful HTTP fake is built on: routes, what was asked, and bad days on demand."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

Json = Any
Answering = TypeVar("Answering", bound=Callable[..., "Answer | Json"])


@dataclass(frozen=True)
class Asked:
    """One request as it came in; `body` is the decoded JSON, or the text if it is none."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Json

    def first(self, name: str, default: str = "") -> str:
        """Return the first value of a parameter of the query."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Answer:
    """What goes back: JSON, or nothing when `body` is None."""

    status: int = 200
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _BadDay:
    on: re.Pattern[str]
    answer: Answer | None
    after_effect: bool
    silent: bool
    times: int


def route(method: str, pattern: str) -> Callable[[Answering], Answering]:
    """Let a method of a fake answer requests of this method whose whole path matches.

    It is called with the request and the pattern's groups, holding the fake's lock. What it returns
    that is no `Answer` is sent as JSON with status 200.
    """

    def mark(function: Answering) -> Answering:
        function.route = (method, re.compile(pattern))  # type: ignore[attr-defined]
        return function

    return mark


class HttpService(ThreadingHTTPServer):
    """A service on the loopback that keeps its state in memory.

    A fake derives from it, marks its methods with `route`, and says in `refused` who may not come
    in. With `certificate` (files of certificate and key) it speaks TLS.
    """

    daemon_threads = True

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        self.lock = RLock()
        self.over = Event()
        self._bad: list[_BadDay] = []
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        found = (getattr(type(self), name) for name in dir(type(self)))
        self._routes = [(*each.route, each) for each in found if hasattr(each, "route")]

    @property
    def url(self) -> str:
        """Where it listens, without a final slash."""
        return f"{self._scheme}://127.0.0.1:{self.server_address[1]}"

    def refused(self, asked: Asked) -> Answer | None:
        """Return the answer to a request whose credentials are not good enough."""
        return None

    def unknown(self, asked: Asked) -> Answer:
        """Return the answer to a path that no route takes."""
        return Answer(404, {"message": f"no route for {asked.method} {asked.path}"})

    def fail(
        self, status: int, body: Json = None, *, on: str = "", times: int = 1, after: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Answer the next `times` requests that match `on` with this status.

        `on` is a pattern searched in "METHOD /path"; with `after` the request takes effect first.
        """
        self._bad.append(
            _BadDay(re.compile(on), Answer(status, body, headers or {}), after, False, times)
        )

    def lose_answer(self, *, on: str = "", times: int = 1, silent: bool = False) -> None:
        """Let the next matching requests take effect and close the connection without an answer.

        With `silent` it stays open and nothing comes, as when the network drops packets.
        """
        self._bad.append(_BadDay(re.compile(on), None, True, silent, times))

    def count(self, pattern: str) -> int:
        """Return how many requests so far match a pattern searched in "METHOD /path"."""
        return sum(bool(re.search(pattern, self.words(each))) for each in self.asked)

    def words(self, asked: Asked) -> str:
        """Return what patterns are searched in."""
        return f"{asked.method} {asked.path}"

    def bad_day(self, asked: Asked) -> _BadDay | None:
        """Take the first bad day that is meant for this request."""
        for bad in self._bad:
            if bad.times > 0 and bad.on.search(self.words(asked)):
                bad.times -= 1
                return bad
        return None

    def answer(self, asked: Asked) -> Answer:
        """Answer one request by its route."""
        if refused := self.refused(asked):
            return refused
        for method, pattern, function in self._routes:
            found = pattern.fullmatch(asked.path)
            if method == asked.method and found:
                given = function(self, asked, *found.groups())
                return given if isinstance(given, Answer) else Answer(200, given)
        return self.unknown(asked)

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Serve while the block lasts."""
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield self
        finally:
            self.over.set()
            self.shutdown()
            self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: HttpService
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        service, asked = self.server, self._asked()
        with service.lock:
            service.asked.append(asked)
            bad = service.bad_day(asked)
            answer = None if bad and not bad.after_effect else service.answer(asked)
        if bad and bad.silent:
            service.over.wait(20)
        if bad and bad.answer is None:
            self.close_connection = True
            return
        self._send(bad.answer if bad and bad.answer else answer or Answer(500))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _handle  # noqa: N815

    def _asked(self) -> Asked:
        parts = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        body: Json = text
        with suppress(ValueError):
            body = json.loads(text)
        query = parse_qs(parts.query, keep_blank_values=True)
        return Asked(self.command, parts.path, query, dict(self.headers.items()), body)

    def _send(self, answer: Answer) -> None:
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        body = b"" if answer.body is None else text.encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
