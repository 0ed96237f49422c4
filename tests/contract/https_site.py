"""A small real HTTP or HTTPS server, whose answers tests can spoil, and a small real DNS server."""

from __future__ import annotations

import socket
import socketserver
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import dns.message
import dns.rcode
import dns.rrset

PAGE = "<h1>Dernière commande : 4711</h1>"


@dataclass
class Answers:
    """What the server does with the next requests, and what it was asked."""

    status: int = 200
    body: bytes = PAGE.encode()
    content_type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    trickle: float = 0
    slow_headers: float = 0
    hosts: list[str] = field(default_factory=list)
    server_names: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    server_version, sys_version = "nginx/1.22", ""
    answers: Answers

    def do_GET(self) -> None:
        told = self.answers
        told.hosts.append(self.headers["Host"])
        told.paths.append(self.path)
        if told.raw is not None:
            self.wfile.write(told.raw)
            self.close_connection = True
            return
        if told.slow_headers:
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
                self.wfile.write(bytes([letter]))
                time.sleep(told.slow_headers)
        self.send_response(told.status)
        for name, value in {"Content-Type": told.content_type, **told.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for number in range(len(told.body)) if told.trickle else ():
            self.wfile.write(told.body[number : number + 1])
            time.sleep(told.trickle)
        if not told.trickle:
            self.wfile.write(told.body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Stay quiet: clients that refuse a certificate or hang up are what tests do."""


@contextmanager
def site(certificate: tuple[Path, Path] | None, address: str) -> Iterator[tuple[int, Answers]]:
    """Serve on a port of this address; give the port and what it answers."""
    answers = Answers()
    server = Server((address, 0), type("Told", (Handler,), {"answers": answers}))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        context.sni_callback = lambda _s, name, _c: answers.server_names.append(name or "")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port, answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class NameHandler(socketserver.BaseRequestHandler):
    records: dict[str, list[str]]
    rcode: list[dns.rcode.Rcode]

    def handle(self) -> None:
        wire, reply = self.request
        query = dns.message.from_wire(wire)
        (question,) = query.question
        response = dns.message.make_response(query, recursion_available=True)
        response.set_rcode(self.rcode[0])
        name = question.name.to_text(omit_final_dot=True)
        if self.rcode[0] == dns.rcode.NOERROR and name not in self.records:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif self.rcode[0] == dns.rcode.NOERROR and self.records[name]:
            response.answer.append(
                dns.rrset.from_text(question.name, 600, "IN", "A", *self.records[name])
            )
        reply.sendto(response.to_wire(), self.client_address)


@dataclass
class Names:
    """A resolver: its port, its records, the code it answers."""

    port: int
    records: dict[str, list[str]]
    rcode: list[dns.rcode.Rcode]


@contextmanager
def resolver() -> Iterator[Names]:
    """Serve names on loopback."""
    records: dict[str, list[str]] = {}
    rcode = [dns.rcode.NOERROR]
    told = type("Told", (NameHandler,), {"records": records, "rcode": rcode})
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), told) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield Names(server.server_address[1], records, rcode)
        server.shutdown()
        thread.join(timeout=5)


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
