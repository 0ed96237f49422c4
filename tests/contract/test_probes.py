"""The contract of `Probe`, over the memory twin and over real HTTPS servers and a real resolver."""

from __future__ import annotations

import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.rcode
import pytest

from blocks.errors import ConfigurationError, Unreachable, Unsupported
from blocks.monitors.base import Probe
from blocks.monitors.http import HttpProbe
from blocks.monitors.over_ssh import OverSshProbe
from blocks.servers.ssh import SshServer
from blocks.types import SmokeCheck
from tests.contract.authority import Authority
from tests.contract.https_site import Answers, Names, closed_port, resolver, site
from tests.fakes.loopback_sshd import loopback_sshd
from tests.fakes.memory_probe import MemoryProbe

HOST, ALIAS = "boutique.atelier.test", "www.atelier.test"
HERE, THERE = "127.0.0.1", "127.0.0.7"


class SiteUnderTest(ABC):
    """HOST and ALIAS are served at HERE; nothing listens at THERE."""

    probe: Probe
    check: SmokeCheck

    @abstractmethod
    def spoil(self) -> None:
        """Let the page answer 502."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Let the page hold this text."""

    @abstractmethod
    def name(self, name: str, *addresses: str) -> None:
        """Put a name into the resolver."""

    @abstractmethod
    def silence_resolver(self) -> None:
        """Let the resolver answer nothing useful."""


class InMemory(SiteUnderTest):
    def __init__(self) -> None:
        self.probe: MemoryProbe = MemoryProbe()
        self.probe.serve(HERE, HOST, ALIAS)
        self.check = SmokeCheck(f"https://{HOST}/", contains="Dernière commande")

    def spoil(self) -> None:
        self.probe.break_page(self.check.url, "HTTP 502 from nginx, expected 200")

    def write(self, text: str) -> None:
        self.probe.write(self.check.url, text)

    def name(self, name: str, *addresses: str) -> None:
        self.probe.name(name, *addresses)

    def silence_resolver(self) -> None:
        self.probe.silence_resolvers()


class Real(SiteUnderTest):
    def __init__(self, port: int, answers: Answers, names: Names, authority: Authority) -> None:
        self.port, self.answers, self.names, self.authority = port, answers, names, authority
        self.probe = self.block()
        self.check = SmokeCheck(f"https://{HOST}:{port}/", contains="Dernière commande")

    def block(self, **fields: object) -> Probe:
        return HttpProbe.model_validate(self.values(fields))

    def values(self, fields: dict[str, object]) -> dict[str, object]:
        return {
            "resolvers": [HERE],
            "resolver_port": self.names.port,
            "ca_file": str(self.authority.ca_file),
            "timeout_seconds": 5,
        } | fields

    def spoil(self) -> None:
        self.answers.status = 502

    def write(self, text: str) -> None:
        self.answers.body = text.encode()

    def name(self, name: str, *addresses: str) -> None:
        self.names.records[name] = list(addresses)

    def silence_resolver(self) -> None:
        self.names.rcode[0] = dns.rcode.SERVFAIL


class RealOverSsh(Real):
    """The same site, looked at by curl and dig of a machine behind a real sshd."""

    def __init__(self, server: SshServer, *real: object) -> None:
        self.server = server
        super().__init__(*real)  # type: ignore[arg-type]

    def block(self, **fields: object) -> Probe:
        return OverSshProbe.model_validate({"server": self.server} | self.values(fields))


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with loopback_sshd(tmp_path_factory.mktemp("witness")) as machine:
        yield machine.server()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def made(kind: str, authority: Authority, witness: SshServer) -> Iterator[Real]:
    with ExitStack() as stack:
        port, answers = stack.enter_context(site(authority.issue(HOST, ALIAS), HERE))
        parts = port, answers, stack.enter_context(resolver()), authority
        yield Real(*parts) if kind == "http" else RealOverSsh(witness, *parts)


@pytest.fixture(params=["http", "over-ssh"])
def real(
    request: pytest.FixtureRequest, authority: Authority, witness: SshServer
) -> Iterator[Real]:
    with made(request.param, authority, witness) as found:
        yield found


@pytest.fixture(params=["memory", "http", "over-ssh"])
def here(
    request: pytest.FixtureRequest, authority: Authority, witness: SshServer
) -> Iterator[SiteUnderTest]:
    if request.param == "memory":
        yield InMemory()
        return
    with made(request.param, authority, witness) as found:
        yield found


class TestEveryProbe:
    def test_a_page_as_it_must_be(self, here: SiteUnderTest) -> None:
        result = here.probe.check(here.check, HERE)
        assert result.passed, result.observed
        assert (result.check, result.address) == (here.check, HERE)
        assert result.seconds > 0

    def test_says_when_the_certificate_ends(self, here: SiteUnderTest) -> None:
        until = here.probe.check(here.check, HERE).certificate_until
        assert until is not None
        assert until > datetime.now(UTC)
        here.spoil()
        assert here.probe.check(here.check, HERE).certificate_until == until
        assert here.probe.check(here.check, THERE).certificate_until is None

    def test_another_host_at_the_same_address(self, here: SiteUnderTest) -> None:
        alias = replace(here.check, url=here.check.url.replace(HOST, ALIAS))
        assert here.probe.check(alias, HERE).passed

    def test_an_address_where_nothing_listens(self, here: SiteUnderTest) -> None:
        result = here.probe.check(here.check, THERE)
        assert (result.passed, result.answered) == (False, False)
        assert result.observed == "connection refused"

    def test_a_host_that_the_server_does_not_have(self, here: SiteUnderTest) -> None:
        other = replace(here.check, url=here.check.url.replace(HOST, "autre.atelier.test"))
        result = here.probe.check(other, HERE)
        assert (result.passed, result.answered) == (False, True)
        assert result.observed == "certificate does not cover autre.atelier.test"

    def test_a_broken_page(self, here: SiteUnderTest) -> None:
        here.spoil()
        result = here.probe.check(here.check, HERE)
        assert (result.passed, result.answered) == (False, True)
        assert result.observed == "HTTP 502 from nginx, expected 200"

    def test_resolves_sorted(self, here: SiteUnderTest) -> None:
        here.name(HOST, "192.0.2.9", "192.0.2.10")
        assert here.probe.resolve(HOST) == ("192.0.2.10", "192.0.2.9")

    def test_sees_a_change_of_address_at_once(self, here: SiteUnderTest) -> None:
        for address in (HERE, THERE, HERE):
            here.name(HOST, address)
            assert here.probe.resolve(HOST) == (address,)
            assert here.probe.check_through_dns(here.check).address == address

    def test_follows_the_dns_to_the_page(self, here: SiteUnderTest) -> None:
        here.name(HOST, HERE)
        assert here.probe.check_through_dns(here.check).passed

    def test_a_name_without_an_address(self, here: SiteUnderTest) -> None:
        here.name(ALIAS)
        for name in (ALIAS, "missing.atelier.test"):
            assert here.probe.resolve(name) == ()
        result = here.probe.check_through_dns(replace(here.check, url=f"https://{ALIAS}/"))
        assert (result.passed, result.address) == (False, "")
        assert result.observed == f"{ALIAS} has no IPv4 address in the DNS"

    def test_resolvers_that_do_not_answer(self, here: SiteUnderTest) -> None:
        here.silence_resolver()
        with pytest.raises(Unreachable, match=HOST):
            here.probe.resolve(HOST)
        result = here.probe.check_through_dns(here.check)
        assert not result.passed
        assert "cannot be resolved" in result.observed


class TestRequest:
    def test_is_the_urls_own_wherever_it_is_sent(self, real: Real) -> None:
        url = f"https://{HOST}:{real.port}/commandes/derniere?jour=1"
        assert real.probe.check(SmokeCheck(url), HERE).passed
        assert real.answers.hosts == [f"{HOST}:{real.port}"]
        assert real.answers.server_names == [HOST]
        assert real.answers.paths == ["/commandes/derniere?jour=1"]

    def test_plain_http_works_too(self, real: Real) -> None:
        with site(None, HERE) as (port, answers):
            assert real.probe.check(SmokeCheck(f"http://{HOST}:{port}"), HERE).passed
        assert answers.paths == ["/"]

    def test_a_redirect_is_not_followed(self, real: Real) -> None:
        real.answers.status = 301
        real.answers.headers["Location"] = f"https://{HOST}:{real.port}/ailleurs"
        result = real.probe.check(real.check, HERE)
        assert not result.passed
        assert "HTTP 301 from nginx, redirects to" in result.observed
        assert len(real.answers.paths) == 1
        assert real.probe.check(replace(real.check, status=301, contains=""), HERE).passed


class TestText:
    def test_that_is_missing(self, real: Real) -> None:
        real.answers.body = b"<h1>Bienvenue</h1>"
        result = real.probe.check(real.check, HERE)
        assert not result.passed
        assert result.observed == (
            "HTTP 200 from nginx, but the text 'Dernière commande' is not on the page"
        )

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("text/html; charset=iso-8859-1", "Dernière commande".encode("latin-1")),
            ("text/html; charset=no-such-charset", "Dernière commande".encode()),
            ("text/html", b"Derni&egrave;re commande"),
        ],
    )
    def test_in_any_writing(self, real: Real, content_type: str, body: bytes) -> None:
        real.answers.content_type, real.answers.body = content_type, body
        assert real.probe.check(real.check, HERE).passed

    def test_beyond_the_limit_is_not_read(self, real: Real) -> None:
        real.answers.body = b"x" * 8 * 2**20 + "Dernière commande".encode()
        assert not real.probe.check(real.check, HERE).passed
        real.answers.body = b"x" * 2**20 + "Dernière commande".encode()
        assert real.probe.check(real.check, HERE).passed


class TestBadDays:
    def test_an_expired_certificate(self, real: Real) -> None:
        certificate = real.authority.issue(HOST, ends=timedelta(days=-1))
        with site(certificate, HERE) as (port, _):
            result = real.probe.check(SmokeCheck(f"https://{HOST}:{port}/"), HERE)
        assert result.observed == f"certificate of {HOST} has expired"

    @pytest.mark.parametrize("name", ["Test authority", "Somebody else"])
    def test_a_certificate_of_somebody_else(self, real: Real, tmp_path: Path, name: str) -> None:
        stranger = Authority(tmp_path, name)
        with site(stranger.issue(HOST), HERE) as (port, _):
            result = real.probe.check(SmokeCheck(f"https://{HOST}:{port}/"), HERE)
        assert result.observed == f"certificate of {HOST} is not from a trusted authority"

    def test_the_systems_authorities_do_not_know_ours(self, real: Real) -> None:
        result = real.block(ca_file="").check(real.check, HERE)
        assert result.observed == f"certificate of {HOST} is not from a trusted authority"

    def test_no_tls_behind_the_port(self, real: Real) -> None:
        with site(None, HERE) as (port, _):
            result = real.probe.check(SmokeCheck(f"https://{HOST}:{port}/"), HERE)
        assert not result.passed
        assert result.observed.startswith("no TLS connection")

    def test_a_server_that_says_nothing(self, real: Real) -> None:
        with socket.create_server((HERE, 0)) as silent:
            url = f"http://{HOST}:{silent.getsockname()[1]}/"
            result = real.block(timeout_seconds=0.3).check(SmokeCheck(url), HERE)
        assert (result.observed, result.answered) == ("no answer within 0.3 s", False)
        assert result.seconds < 15

    @pytest.mark.parametrize("where", ["trickle", "slow_headers"])
    def test_a_page_that_never_ends(self, real: Real, where: str) -> None:
        setattr(real.answers, where, 0.05)
        real.answers.body = b"x" * 1000
        began = time.monotonic()
        result = real.block(timeout_seconds=0.5).check(real.check, HERE)
        assert result.observed == "no answer within 0.5 s"
        assert time.monotonic() - began < 15

    @pytest.mark.parametrize(
        ("raw", "says"),
        [
            (b"", "connection closed before an answer came"),
            (b"220 smtp.example ESMTP\r\n", "no proper HTTP answer ("),
        ],
    )
    def test_no_http_at_all(self, real: Real, raw: bytes, says: str) -> None:
        real.answers.raw = raw
        result = real.probe.check(real.check, HERE)
        assert result.observed.startswith(says)
        assert (result.passed, result.answered) == (False, False)

    @pytest.mark.parametrize("address", ["not an address", "localhost", ""])
    def test_a_bad_address_is_a_result(self, real: Real, address: str) -> None:
        result = real.probe.check(real.check, address)
        assert (result.passed, result.observed) == (False, f"{address!r} is not an IP address")

    def test_a_missing_ca_file_is_our_own_mistake(self, real: Real) -> None:
        with pytest.raises(ConfigurationError, match=r"/nowhere/ca\.pem"):
            real.block(ca_file="/nowhere/ca.pem").check(real.check, HERE)

    def test_a_dead_resolver_is_passed_over(self, real: Real) -> None:
        real.name(HOST, HERE)
        probe = real.block(resolvers=["127.0.0.9", HERE], timeout_seconds=1.5)
        assert probe.resolve(HOST) == (HERE,)

    def test_all_resolvers_dead(self, real: Real) -> None:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=HERE):
            real.block(resolver_port=closed_port(), timeout_seconds=0.5).resolve(HOST)
        assert time.monotonic() - began < 15


class TestFromAnotherMachine:
    """What only a probe over SSH can meet: then nothing was seen, and that is said."""

    def test_a_machine_that_is_gone_has_seen_nothing(self, real: Real, witness: SshServer) -> None:
        gone = witness.model_copy(update={"port": closed_port()})
        gone = SshServer.model_validate(gone.model_dump(context={"include_secrets": True}))
        probe = OverSshProbe(server=gone, resolvers=[HERE])
        for act in (
            lambda: probe.check(real.check, HERE),
            lambda: probe.resolve(HOST),
            lambda: probe.check_through_dns(real.check),
        ):
            with pytest.raises(Unreachable) as error:
                act()
            assert error.value.subject != HOST, "not said of the site's name"
        with pytest.raises(Unsupported, match="does not read pages"):
            probe.page(real.check.url, HERE)

    def test_no_file_and_no_variable_of_the_account_changes_the_look(self, real: Real) -> None:
        hostile = replace(real.check, url=real.check.url + "?a[1-3]={x,y}")
        assert real.probe.check(hostile, HERE).passed
        assert real.answers.paths == ["/?a[1-3]={x,y}"]
