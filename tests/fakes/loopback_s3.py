"""Real S3 over HTTP on the loopback: moto as a child process, and a proxy that misbehaves."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import boto3
import httpx
from pydantic import SecretStr

from blocks.repositories.s3 import S3ObjectStore
from tests.fakes.loopback_sshd import free_port

SECRET = SecretStr("worker-secret")


@dataclass(frozen=True)
class LoopbackS3:
    """A running S3 service."""

    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def store(self, bucket: str, **fields: object) -> S3ObjectStore:
        """Return a block for a bucket; fields given here replace the right ones."""
        right: dict[str, object] = {
            "endpoint": self.endpoint,
            "bucket": bucket,
            "access_key": "worker-key",
            "secret_key": "worker-secret",
            "connect_timeout_seconds": 1,
            "read_timeout_seconds": 2,
            "attempts": 2,
        }
        return S3ObjectStore.model_validate(right | fields)

    def client(
        self, service: str = "s3", key: str = "worker-key", secret: SecretStr = SECRET
    ) -> object:
        """Return a plain boto3 client, for what blocks do not do."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret.get_secret_value(),
        )

    def make_bucket(self, name: str) -> None:
        self.client().create_bucket(Bucket=name)  # type: ignore[attr-defined]

    def make_locked_bucket(self, name: str) -> None:
        """Make a bucket that keeps versions and locks each of them for a day."""
        client: Any = self.client()
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
        client.put_object_lock_configuration(
            Bucket=name,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
        )


@contextmanager
def moto_server(
    folder: Path,
    open_calls: int | None = None,
    settings: Mapping[str, str] | None = None,
    module: str = "moto.server",
) -> Iterator[LoopbackS3]:
    """Run moto until the block ends; after `open_calls` calls it checks keys and policies."""
    port = free_port()
    environment = {**os.environ, **(settings or {})}
    if open_calls is not None:
        environment["INITIAL_NO_AUTH_ACTION_COUNT"] = str(open_calls)
    with (folder / f"moto-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )
    try:
        _wait_for(port, process)
        yield LoopbackS3(port)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    with httpx.Client(timeout=5, trust_env=False) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.get(f"http://127.0.0.1:{port}/moto-api/")
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return
    raise RuntimeError("moto did not start")


class Mode(StrEnum):
    """How the proxy treats connections."""

    FINE = "fine"
    BUSY = "busy"
    """Answer 503 SlowDown."""
    SILENT = "silent"
    """Accept, never answer."""
    CUT = "cut"
    """Pass on so many bytes in all, then cut every connection."""


class FaultyProxy:
    """A TCP proxy in front of an S3 service, with moods."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.mode = Mode.FINE
        self.budget = 0
        self.cuts = 0
        self.lost = 0
        self._lose_next = False
        self._stopped = threading.Event()
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy.serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def cut_after(self, budget: int) -> None:
        """Let this many bytes of requests through, then cut."""
        self.budget, self.mode = budget, Mode.CUT

    def lose_next_answer(self) -> None:
        """Let the next request work, but cut the connection before its answer."""
        self._lose_next = True

    def serve(self, client: socket.socket) -> None:
        if self.mode is Mode.SILENT:
            self._stopped.wait(60)
        elif self.mode is Mode.BUSY:
            self._answer_busy(client)
        else:
            with socket.create_connection(("127.0.0.1", self.upstream), 5) as server:
                back = threading.Thread(target=self._answer, args=(server, client), daemon=True)
                back.start()
                self._forward(client, server)
                back.join(timeout=5)

    def _answer_busy(self, client: socket.socket) -> None:
        client.settimeout(2)
        try:
            while client.recv(65536)[-4:] != b"\r\n\r\n":
                pass
        except OSError:
            pass
        body = (
            b"<Error><Code>SlowDown</Code>"
            b"<Message>Please reduce your request rate.</Message></Error>"
        )
        head = f"HTTP/1.1 503 Slow Down\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with suppress(OSError):
            client.sendall(head.encode() + body)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while piece := server.recv(65536):
                if self._lose_next and _after_go_ahead(piece):
                    self._lose_next, self.lost = False, self.lost + 1
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(piece)
        except OSError:
            pass

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while piece := client.recv(65536):
                if self.mode is Mode.CUT:
                    self.budget -= len(piece)
                    if self.budget < 0:
                        self.cuts += 1
                        break
                server.sendall(piece)
        except OSError:
            pass
        for each in (client, server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _after_go_ahead(piece: bytes) -> bytes:
    """Return what follows "100 Continue", which may come in one piece with the answer."""
    head, _, rest = piece.partition(b"\r\n\r\n")
    return rest if head.startswith(b"HTTP/1.1 100") else piece


@contextmanager
def faulty_proxy(upstream: int) -> Iterator[FaultyProxy]:
    """Run a proxy in front of a port of the loopback until the block ends."""
    proxy = FaultyProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
