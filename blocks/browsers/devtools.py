"""Speak the browser's DevTools protocol over a pipe, with one deadline for everything."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Callable, Mapping
from time import monotonic
from typing import IO, Any

from blocks.errors import DeadlineExceeded


class Devtools:
    """One page of a browser that was started with `--remote-debugging-pipe`."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes], deadline: float, subject: str) -> None:
        self._reader, self._writer = reader.fileno(), writer.fileno()
        self._deadline = deadline
        self._subject = subject
        self._buffer = b""
        self._number = 0
        self._session = ""
        self._events: list[dict[str, Any]] = []

    def open_page(self) -> None:
        """Make an empty page; the further calls are about it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    def call(self, method: str, **parameters: object) -> Mapping[str, Any]:
        """Return the answer to one call.

        Raises:
            DeadlineExceeded: None came in time.
            EOFError: The browser ended.
            ValueError: It refused the call.
        """
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._send(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") != self._number:
                self._events.append(answer)
            elif "error" in answer:
                raise ValueError(f"{method}: {answer['error'].get('message')}")
            else:
                result: Mapping[str, Any] = answer["result"]
                return result

    def wait(self, method: str, wanted: Callable[[Mapping[str, Any]], bool]) -> None:
        """Return once such an event has come, also before this call."""
        while not any(e.get("method") == method and wanted(e["params"]) for e in self._events):
            self._events.append(self._next())

    def _send(self, message: bytes) -> None:
        try:
            while message:
                self._ready([], [self._writer])
                message = message[os.write(self._writer, message) :]
        except BrokenPipeError as ended:
            raise EOFError from ended

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            self._ready([self._reader], [])
            received = os.read(self._reader, 2**18)
            if not received:
                raise EOFError
            self._buffer += received
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _ready(self, readers: list[int], writers: list[int]) -> None:
        left = self._deadline - monotonic()
        if left <= 0 or not any(select.select(readers, writers, [], left)):
            cause, hint = "the browser was not done in time", "look whether the page answers"
            raise DeadlineExceeded(self._subject, cause, hint)
