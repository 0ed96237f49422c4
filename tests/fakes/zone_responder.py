"""An authoritative name server on the loopback that serves what a fake provider has published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import BaseRequestHandler, ThreadingTCPServer, ThreadingUDPServer
from threading import Thread
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

HOST = "127.0.0.1"
SOA = "ns.invalid. hostmaster.invalid. 1 3600 600 86400 60"


@dataclass(frozen=True)
class Served:
    """One value of one record; `name` is absolute without the final dot."""

    name: str
    type: str
    ttl: int
    value: str


class ZoneResponder:
    """Answers by UDP and TCP on one port, with authority over one zone.

    It asks `published` again for each question, unless it lags: then it answers what was published
    when it began to, until `catch_up`.
    """

    def __init__(self, zone: str, published: Callable[[], Iterable[Served]]) -> None:
        self.zone = dns.name.from_text(zone)
        self._published = published
        self._kept: tuple[Served, ...] | None = None
        self.asked = 0
        self._tcp, self._udp = _on_one_port()
        self.port = int(self._tcp.server_address[1])
        for server in (self._udp, self._tcp):
            server.daemon_threads = True
            server.responder = self  # type: ignore[attr-defined]

    @property
    def address(self) -> str:
        """Return it as the field `nameservers` takes it."""
        return f"{HOST}#{self.port}"

    def lag(self) -> None:
        """Answer from now on what is published now."""
        self._kept = tuple(self._published())

    def catch_up(self) -> None:
        """Answer what is published, whenever asked."""
        self._kept = None

    @contextmanager
    def running(self) -> Iterator[ZoneResponder]:
        """Serve while the block lasts."""
        servers = (self._udp, self._tcp)
        for server in servers:
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            for server in servers:
                server.shutdown()
                server.server_close()

    def reply(self, wire: bytes) -> bytes:
        """Answer one message."""
        self.asked += 1
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        question = query.question[0]
        if not question.name.is_subdomain(self.zone):
            response.set_rcode(dns.rcode.REFUSED)
            return response.to_wire()
        records = tuple(self._published()) if self._kept is None else self._kept
        if self._delegated(question.name, records):
            return response.to_wire()  # a referral: no authority, no answer
        response.flags |= dns.flags.AA
        self._fill(response, question.name, question.rdtype, records)
        return response.to_wire()

    def _delegated(self, name: dns.name.Name, records: tuple[Served, ...]) -> bool:
        cuts = {each.name for each in records if each.type == "NS"} - {_text(self.zone)}
        return any(f".{_text(name)}".endswith(f".{cut}") for cut in cuts)

    def _fill(
        self, response: dns.message.Message, name: dns.name.Name, kind: Any,
        records: tuple[Served, ...],
    ) -> None:  # fmt: skip
        text = _text(name)
        own = [each for each in records if each.name == text]
        if name == self.zone:
            own.append(Served(text, "SOA", 60, SOA))
        if not own and not any(each.name.endswith(f".{text}") for each in records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        for record_type in (dns.rdatatype.to_text(kind), "CNAME"):
            texts = [each for each in own if each.type == record_type]
            if not texts:
                continue
            values = (each.value for each in texts)
            rrset = dns.rrset.from_text_list(name, texts[0].ttl, "IN", record_type, values)
            response.answer.append(rrset)
            if record_type == "CNAME" and kind != dns.rdatatype.CNAME:
                self._fill(response, rrset[0].target, kind, records)
            return


def _on_one_port() -> tuple[ThreadingTCPServer, ThreadingUDPServer]:
    while True:
        stream = ThreadingTCPServer((HOST, 0), _Stream)
        try:
            return stream, ThreadingUDPServer(stream.server_address, _Datagram)
        except OSError:
            stream.server_close()


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


class _Datagram(BaseRequestHandler):
    def handle(self) -> None:
        data, socket = self.request
        responder: ZoneResponder = self.server.responder  # type: ignore[attr-defined]
        socket.sendto(responder.reply(data), self.client_address)


class _Stream(BaseRequestHandler):
    def handle(self) -> None:
        responder: ZoneResponder = self.server.responder  # type: ignore[attr-defined]
        length = int.from_bytes(self.request.recv(2), "big")
        wire = responder.reply(self.request.recv(length))
        self.request.sendall(len(wire).to_bytes(2, "big") + wire)
