"""A probe in memory: tests say which address serves which host, and what its pages say."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from pydantic import PrivateAttr

from blocks.dns.base import DnsZone
from blocks.errors import Unreachable
from blocks.monitors.base import Probe
from blocks.types import PageRead, SmokeCheck, SmokeResult

LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""When certificates end that no test has said anything of."""


class MemoryProbe(Probe):
    """Pages pass where their host is served, unless they were broken."""

    _block_type_name = "Memory probe"
    _block_type_slug = "memory-probe"

    _served: dict[str, set[str]] = PrivateAttr(default_factory=dict)
    _broken: dict[tuple[str, str], str] = PrivateAttr(default_factory=dict)
    _names: dict[str, tuple[str, ...]] = PrivateAttr(default_factory=dict)
    _zones: list[DnsZone] = PrivateAttr(default_factory=list)
    _certificates: dict[str, datetime] = PrivateAttr(default_factory=dict)
    _deaf: bool = PrivateAttr(default=False)
    _texts: dict[str, str] = PrivateAttr(default_factory=dict)
    _missing: set[tuple[str, str]] = PrivateAttr(default_factory=set)

    # --- what a test does to it ---

    def serve(self, address: str, *hosts: str) -> None:
        """Let an address serve these hosts, besides those that it serves already."""
        self._served.setdefault(address, set()).update(hosts)

    def stop(self, address: str) -> None:
        """Let an address refuse connections."""
        self._served.pop(address, None)

    def break_page(self, url: str, observed: str, address: str = "") -> None:
        """Let a page fail with this sentence, at one address or, by default, at all."""
        self._broken[url, address] = observed

    def write(self, url: str, text: str) -> None:
        """Let a page hold this text wherever its host is served."""
        self._texts[url] = text

    def lose(self, url: str, address: str) -> None:
        """Let this address answer 404 for a page or file."""
        self._missing.add((url, address))

    def certify(self, host: str, until: datetime) -> None:
        """Let a host's certificate end then."""
        self._certificates[host] = until

    def mend_page(self, url: str) -> None:
        """Let a page pass again everywhere."""
        self._broken = {key: value for key, value in self._broken.items() if key[0] != url}

    def name(self, name: str, *addresses: str) -> None:
        """Let a name resolve to these addresses, or to none."""
        self._names[name] = tuple(sorted(addresses))

    def forget(self, name: str) -> None:
        """Resolve a name from the zones again."""
        self._names.pop(name, None)

    def resolve_from(self, *zones: DnsZone) -> None:
        """Resolve names from what the first server of these zones answers."""
        self._zones += zones

    def silence_resolvers(self) -> None:
        """Let no name be resolved any more."""
        self._deaf = True

    # --- the contract ---

    def resolve(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a name."""
        if self._deaf:
            raise Unreachable(name, "cannot be resolved by the resolvers", f"dig {name}")
        if name in self._names:
            return self._names[name]
        for zone in self._zones:
            if name == zone.zone or name.endswith(f".{zone.zone}"):
                return next(iter(zone.answers(name, "A").values()))
        return ()

    def check(self, check: SmokeCheck, address: str) -> SmokeResult:
        """Say whether the page passes at this address."""
        host = urlsplit(check.url).hostname or ""
        broken = self._broken.get((check.url, address)) or self._broken.get((check.url, ""))
        if address not in self._served:
            passed, observed = False, "connection refused"
        elif host not in self._served[address]:
            passed, observed = False, f"certificate does not cover {host}"
        elif broken:
            passed, observed = False, broken
        else:
            passed, observed = True, f"HTTP {check.status}"
        known = check.url.startswith("https:") and host in self._served.get(address, ())
        until = self._certificates.get(host, LATER) if known else None
        answered = address in self._served
        return SmokeResult(check, address, passed, observed, 0.01, until, answered=answered)

    def page(self, url: str, address: str) -> PageRead:
        """Return the text that was written for the page, if its host is served at this address."""
        if (urlsplit(url).hostname or "") not in self._served.get(address, ()):
            return PageRead(url, address, 0, "no answer (ConnectError)")
        if (url, address) in self._missing:
            return PageRead(url, address, 404, "HTTP 404")
        return PageRead(url, address, 200, "HTTP 200", self._texts.get(url, ""))
