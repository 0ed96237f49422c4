"""Readiness against real daemons: what they refuse or show is red, and what they give is green."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.core import Block
from pydantic import SecretStr

from blocks import registry
from blocks.monitors.http import HttpProbe
from blocks.repositories.restic import ResticRepository
from blocks.servers.renewals import COMMAND, parse_renewals, renewals_of, unpacked
from blocks.sites.site import Site, SmokePage
from flows.decisions.readiness import Check, State
from flows.tasks.incident import open_estate
from flows.tasks.readiness_looks import look_at_readiness
from tests.contract.authority import Authority
from tests.contract.bind import Bind
from tests.contract.dns_zones import OLD, zone_block
from tests.contract.https_site import resolver, site
from tests.fakes.loopback_s3 import moto_server
from tests.fakes.loopback_sshd import loopback_sshd
from tests.fakes.memory_server import MemoryServer
from tests.flows.world import World

# octodns-bind 1.1 calls parts of octoDNS 1.22 that go away in 2.0; the versions are pinned.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Rr:DeprecationWarning", "ignore:.*from_rrs:DeprecationWarning"
)


RECORDED = Path(__file__).resolve().parents[1] / "data/letsencrypt"
EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
)


def seen(more: dict[str, Block], **declared: object) -> dict[str, Check]:
    """Look at a server in memory of which some blocks are real; return the checks by name."""
    registry.provide(World().blocks(**declared) | more)
    try:
        found = look_at_readiness(open_estate("web1"))
    finally:
        registry.provide({})
    return {f"{each.about} {each.site}".strip(): each for each in found}


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    with Bind(tmp_path_factory.mktemp("bind")).running() as servers:
        yield servers


@pytest.mark.parametrize(
    ("key", "state", "says"),
    [
        ("continuity", State.READY, "clé continuity"),
        ("reader", State.FAILED, "REFUSED"),
        ("nobody", State.FAILED, "BadKey"),
    ],
)
def test_a_key_that_bind_does_not_let_change_the_zone(
    bind: Bind, key: str, state: State, says: str
) -> None:
    name = bind.take_zone()
    secret = bind.keys.get(key, bind.keys["reader"])
    zone = zone_block(bind, name, key_name=key, key_secret=secret)
    serial = bind.serial(name, bind.port)
    domain = f"boutique.{name}"
    shop = Site(title="B", domains=[domain], roots=["/srv/shop"], smoke=[])
    server = MemoryServer(address=OLD)
    more = {"rfc2136-zone/real": zone, "client-site/shop": shop, "memory-server/web1": server}
    found = seen(more, zones=["rfc2136-zone/real"], sites=["client-site/shop"])
    check = found["clé DNS rfc2136-zone/real"]
    assert (check.state, says in check.seen) == (state, True)
    assert bind.serial(name, bind.port) == serial
    assert bind.keys["continuity"] not in check.seen
    if key == "nobody":
        assert found["autres noms"].state is State.UNKNOWN
        return
    assert found[f"DNS {domain} shop"].state is State.WARNING, "it has an AAAA beside it"
    assert f"www.{name} A → {OLD}" in found["autres noms"].seen
    spf = found["expéditeurs (SPF)"]
    assert (spf.state, f"ip4:{OLD}" in spf.seen) == (State.WARNING, True)
    assert found["courrier (MX)"].state is State.READY, "the mail server is another machine"


def test_keys_that_the_store_refuses(tmp_path: Path) -> None:
    with moto_server(tmp_path, open_calls=6) as service:
        service.make_bucket("continuity")
        users: Any = service.client("iam")
        pairs = {}
        for user in ("worker", "nobody"):
            users.create_user(UserName=user)
            pairs[user] = users.create_access_key(UserName=user)["AccessKey"]
        users.put_user_policy(UserName="worker", PolicyName="all", PolicyDocument=EVERYTHING)
        worker = pairs["worker"]
        store = service.store(
            "continuity",
            access_key=worker["AccessKeyId"],
            secret_key=worker["SecretAccessKey"],
        )
        good = ResticRepository(
            store=store,
            password=SecretStr("right"),
            server_access_key=worker["AccessKeyId"],
            server_secret_key=SecretStr(worker["SecretAccessKey"]),
        )
        wrong = {
            "server_secret_key": SecretStr("revoked"),
            "prune_access_key": pairs["nobody"]["AccessKeyId"],
            "prune_secret_key": SecretStr(pairs["nobody"]["SecretAccessKey"]),
        }
        for repository, state in (
            (good, State.READY),
            (good.model_copy(update=wrong), State.FAILED),
        ):
            found = seen(
                {"restic-repository/real": repository}, repository="restic-repository/real"
            )
            check = found["clés du dépôt real"]
            assert check.state is state, check
    assert "clé « serveur » : SignatureDoesNotMatch" in check.seen
    assert "clé « ménage » : AccessDenied" in check.seen
    assert "clé « travail »" not in check.seen
    assert worker["SecretAccessKey"] not in check.seen


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        (timedelta(days=60), State.READY),
        (timedelta(days=5), State.FAILED),
        (-timedelta(days=1), State.UNKNOWN),
    ],
)
def test_a_certificate_that_was_not_renewed(tmp_path: Path, ends: timedelta, state: State) -> None:
    authority, host = Authority(tmp_path), "boutique.atelier.test"
    with served(authority, host, ends) as (port, probe):
        page = SmokePage(url=f"https://{host}:{port}/")
        shop = Site(title="B", domains=[host], roots=["/srv/shop"], smoke=[page])
        more = {"http-probe/real": probe, "client-site/shop": shop}
        found = seen(more, probe="http-probe/real", sites=["client-site/shop"])
    assert found["certificat shop"].state is state
    pages = State.FAILED if ends < timedelta() else State.READY
    assert found["pages shop"].state is pages


@contextmanager
def served(authority: Authority, host: str, ends: timedelta) -> Iterator[tuple[int, HttpProbe]]:
    """Serve the host on loopback with a certificate that ends then, and resolve it to there."""
    certificate = authority.issue(host, ends=ends)
    with site(certificate, "127.0.0.1") as (port, _), resolver() as names:
        names.records[host] = ["127.0.0.1"]
        here = {"resolvers": ["127.0.0.1"], "resolver_port": names.port}
        yield port, HttpProbe.model_validate(here | {"ca_file": str(authority.ca_file)})


def test_renewals_are_read_over_ssh(tmp_path: Path) -> None:
    """The archive is binary, and what is not there is no failure."""
    top = tmp_path / "root"
    shutil.copytree(RECORDED, top / "etc/letsencrypt")
    with loopback_sshd(tmp_path) as sshd:
        server = sshd.server()
        there = server.run((*COMMAND[:-1], str(top)), timeout=timedelta(seconds=20)).stdout
        none = server.run((*COMMAND[:-1], str(tmp_path)), timeout=timedelta(seconds=20)).stdout
        renewals_of(server)
    assert len(parse_renewals(unpacked(there))) == len(list((RECORDED / "renewal").iterdir()))
    assert parse_renewals(unpacked(none)) == ()
