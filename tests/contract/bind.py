"""Two real BIND servers on loopback, primary and secondary, with many equal zones to use up."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.zone

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1"
ZONES = tuple(f"atelier{number}.test" for number in range(1, 61))

RECORDS = r"""
$TTL 300
@ SOA ns1 hostmaster 1 86400 86400 864000 60
@ NS ns1
@ NS ns2
ns1 60 A 127.0.0.1
ns2 60 A 127.0.0.9
@ 120 A 192.0.2.10
@ MX 10 mail
@ TXT "v=spf1 ip4:192.0.2.10 -all" "second; part \"quoted\""
@ CAA 0 issue "letsencrypt.org"
@ HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.10
@ TYPE65400 \# 4 c0000201
boutique 60 A 192.0.2.10
boutique 60 AAAA 2001:db8::10
www 60 A 192.0.2.10
www 60 A 192.0.2.11
mail 3600 A 198.51.100.25
shop CNAME boutique
*.preview 60 A 192.0.2.10
_sip._tcp SRV 0 5 5060 mail
_443._tcp.www TLSA 3 1 1 0b9fa5a59eed715c26c1020c711b4f6ec42d58b0015e14337a39dad301c5afc3
under_score 60 A 192.0.2.10
dotted\.label 60 A 192.0.2.99
spaced\032label 60 A 192.0.2.99
sub NS ns.elsewhere.example.
host SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
place LOC 48 51 29.9 N 2 17 40.2 E 35m
naptr NAPTR 10 100 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
"""

OPTIONS = """
options {{
  directory "{folder}"; pid-file none; session-keyfile none; recursion no; minimal-responses yes;
  listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }}; notify no;
  check-names primary ignore; serial-query-rate 1000; transfers-in 100;
  transfers-out 100; transfers-per-ns 100;
  dnssec-validation no; empty-zones-enable no;
  allow-transfer {{ key continuity; key reader; key stranger; }};
}};
controls {{ }};
logging {{ channel all {{ file "named.log"; severity info; }}; category default {{ all; }}; }};
"""


def free_port() -> int:
    """Return a port that is free for TCP and UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((ADDRESS, 0))
            port = int(tcp.getsockname()[1])
            with suppress(OSError):
                udp.bind((ADDRESS, port))
                return port


def primary_zones() -> str:
    """Return the zones of the primary: many to change, one that refuses, one that shows nothing."""
    updated = "".join(
        f'zone {zone} {{ type primary; file "{zone}";'
        " update-policy { grant continuity zonesub A AAAA; grant stranger zonesub ANY; }; };\n"
        for zone in ZONES
    )
    return updated + (
        'zone refusing.test { type primary; file "refusing.test"; };\n'
        'zone private.test { type primary; file "private.test"; allow-transfer { none; }; };\n'
    )


@dataclass
class Bind:
    """Both servers; of `keys` `continuity` may change addresses, `stranger` everything."""

    folder: Path
    port: int = field(default_factory=free_port)
    second_port: int = field(default_factory=free_port)
    keys: dict[str, str] = field(
        default_factory=lambda: {
            name: b64encode(secrets.token_bytes(32)).decode()
            for name in ("continuity", "reader", "stranger")
        }
    )
    _unused: list[str] = field(default_factory=lambda: list(ZONES))

    def take_zone(self) -> str:
        """Return a zone that no other test has touched."""
        return self._unused.pop()

    def update(
        self, zone: str, name: str, record_type: str, values: Sequence[str], ttl: int
    ) -> None:
        """Edit one record as somebody else would: no prerequisites, nothing of ours involved."""
        message = dns.update.UpdateMessage(zone, keyring=self._keyring)
        message.delete(name + ".", record_type)
        if values:
            message.add(name + ".", ttl, record_type, *values)
        response = dns.query.tcp(message, ADDRESS, port=self.port, timeout=5)
        assert response.rcode() == dns.rcode.NOERROR, response

    def contents(self, zone: str) -> set[str]:
        """Return every record of the zone as text, the SOA aside."""
        transfer = dns.query.xfr(
            ADDRESS, zone, port=self.port, lifetime=5, relativize=False, keyring=self._keyring
        )
        found = dns.zone.from_xfr(transfer, relativize=False)
        return {
            f"{name} {ttl} {dns.rdatatype.to_text(rdata.rdtype)} {rdata}"
            for name, ttl, rdata in found.iterate_rdatas()
            if rdata.rdtype != dns.rdatatype.SOA
        }

    def serial(self, zone: str, port: int) -> int:
        """Return the serial that one server answers."""
        query = dns.message.make_query(zone, "SOA", flags=0)
        response = dns.query.tcp(query, ADDRESS, port=port, timeout=2)
        return int(response.answer[0][0].serial)

    def transfer_to_secondary(self, zone: str) -> None:
        """Notify the secondary, which else would not look for a day, and wait for it."""
        notify = dns.message.make_query(zone, "SOA", flags=dns.flags.AA)
        notify.set_opcode(dns.opcode.NOTIFY)
        deadline = time.monotonic() + 15
        while self.serial(zone, self.second_port) != self.serial(zone, self.port):
            assert time.monotonic() < deadline, self._logs()
            dns.query.udp(notify, ADDRESS, port=self.second_port, timeout=5)
            time.sleep(0.1)

    @contextmanager
    def running(self) -> Iterator[Bind]:
        """Run both servers as children of this process."""
        children: list[subprocess.Popen[bytes]] = []
        try:
            # One after the other: a secondary that finds no primary waits before it asks again.
            for port, zones in (
                (self.port, primary_zones()),
                (self.second_port, self._secondary()),
            ):
                children.append(self._start(port, zones))
                self._wait(children[-1], port)
            yield self
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(timeout=20)

    @cached_property
    def _keyring(self) -> dict[dns.name.Name, dns.tsig.Key]:
        return dns.tsigkeyring.from_text({"stranger": self.keys["stranger"]})

    def _start(self, port: int, zones: str) -> subprocess.Popen[bytes]:
        folder = self.folder / str(port)
        folder.mkdir(parents=True)
        if port == self.port:
            for zone in (*ZONES, "refusing.test", "private.test"):
                (folder / zone).write_text(RECORDS.lstrip())
        keys = "".join(
            f'key {name} {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
            for name, secret in self.keys.items()
        )
        options = OPTIONS.format(folder=folder, port=port, address=ADDRESS)
        (folder / "named.conf").write_text(keys + options + zones)
        argv = [self._binary, "-f", "-n", "1", "-c", str(folder / "named.conf")]
        with (folder / "output").open("wb") as output:
            return subprocess.Popen(argv, stdout=output, stderr=output)

    @cached_property
    def _binary(self) -> str:
        done = subprocess.run(
            [ROOT / "script/fetch-named"], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _secondary(self) -> str:
        return "".join(
            f'zone {zone} {{ type secondary; file "{zone}";'
            f" primaries {{ {ADDRESS} port {self.port} key continuity; }}; }};\n"
            for zone in ZONES
        )

    def _wait(self, child: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + 30
        missing = list(ZONES)
        while missing:
            assert child.poll() is None, self._logs()
            assert time.monotonic() < deadline, self._logs()
            with suppress(OSError, dns.exception.DNSException, IndexError):
                self.serial(missing[-1], port)
                missing.pop()
                continue
            time.sleep(0.05)

    def _logs(self) -> str:
        return "\n".join(path.read_text() for path in self.folder.glob("*/named.log"))
