"""The estate becomes blocks that name each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks import registry
from blocks.errors import ConfigurationError
from blocks.servers.base import Server
from blocks.servers.protected import Heartbeats, ProtectedServer
from blocks.sites.site import Site
from blocks.types import FailureDomain
from deployments.estate_file import load
from deployments.estate_server import CONFIGURATION
from deployments.world import provide
from tests.unit.estate_texts import GOOD, write


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC", "hush-hush")


def test_every_reference_of_a_server_leads_to_a_block(tmp_path: Path) -> None:
    blocks = provide(load(write(tmp_path)))
    server = blocks["protected-server/web1"]
    assert isinstance(server, ProtectedServer)
    named = [server.server, server.database, server.repository, server.probe]
    named += [*server.sites, *server.zones, *server.notifiers]
    named += [target.provider for target in server.targets]
    assert [name for name in named if name not in blocks] == []
    assert server.domain.provider == "host"
    assert blocks[server.repository].failure_domain() == FailureDomain(
        "elsewhere", "north", key="server"
    )
    assert server.zones == ["rfc2136-zone/omniweb"]
    assert server.sites == ["client-site/shop", "client-site/blog"]
    assert server.configuration == list(CONFIGURATION)
    assert (server.retention.last, server.retention.daily, server.parallel) == (2, 7, 3)


def test_blocks_hold_the_secrets_that_the_file_refers_to(tmp_path: Path) -> None:
    blocks = provide(load(write(tmp_path)))
    repository = blocks["restic-repository/principal"]
    assert repository.password.get_secret_value() == "hush-hush"
    assert repository.store.secret_key.get_secret_value() == "hush-hush"
    assert "hush" not in repr(blocks)
    assert blocks["ssh-server/web1"].private_key.get_secret_value().endswith("-----\n")


def test_a_site_keeps_what_the_file_says(tmp_path: Path) -> None:
    site = provide(load(write(tmp_path)))["client-site/shop"]
    assert isinstance(site, Site)
    assert site.freshness is not None
    assert site.freshness.database == "shop"
    assert site.smoke[0].value().needs_database


def test_notifiers_are_all_unless_named(tmp_path: Path) -> None:
    text = GOOD.replace("    parallel: 3", "    notifiers: []")
    server = provide(load(write(tmp_path, text)))["protected-server/web1"]
    assert isinstance(server, ProtectedServer)
    assert server.notifiers == []


def test_the_longest_zone_covers(tmp_path: Path) -> None:
    zone = GOOD[GOOD.index("  - name: omniweb") : GOOD.index("notifiers:")]
    inner = zone.replace("name: omniweb", "name: inner").replace("zone: omni", "zone: blog.omni")
    text = GOOD.replace(zone, zone + inner)
    server = provide(load(write(tmp_path, text)))["protected-server/web1"]
    assert isinstance(server, ProtectedServer)
    assert server.zones == ["rfc2136-zone/inner", "rfc2136-zone/omniweb"]


def test_break_glass_needs_no_prefect_server(tmp_path: Path) -> None:
    registry.provide(provide(load(write(tmp_path))))
    try:
        assert registry.names("client-site") == ("blog", "shop")
        assert registry.load("ssh-server/web1", Server)
        with pytest.raises(ConfigurationError, match="none of this name") as raised:
            registry.load("ssh-server/web2", Server)
        assert "(web1)" in raised.value.hint
        assert "estate apply" not in str(raised.value)
    finally:
        registry.provide({})


def test_a_switch_is_everybodys_unless_a_server_has_its_own(tmp_path: Path) -> None:
    switches = """
heartbeats:
  backup: {url: {file: secret}}
  verification: {url: {file: secret}, timeout_seconds: 2}
servers:"""
    text = GOOD.replace("\nservers:", switches)
    blocks = provide(load(write(tmp_path, text)))
    server = blocks["protected-server/web1"]
    assert isinstance(server, ProtectedServer)
    assert server.heartbeats.backup == "healthchecks-heartbeat/backup"
    assert server.heartbeats.verification in blocks
    own = "    heartbeats: {backup: {url: {file: secret}}}\n    parallel: 3"
    server = provide(load(write(tmp_path, text.replace("    parallel: 3", own))))[
        "protected-server/web1"
    ]
    assert isinstance(server, ProtectedServer)
    assert server.heartbeats == Heartbeats(backup="healthchecks-heartbeat/backup-web1")
    assert "hush" not in repr(blocks)


def test_what_is_promised_of_proofs_reaches_the_block(tmp_path: Path) -> None:
    said = "    verification: {read_within_days: 14, sample_files: 9}\n    parallel: 3"
    server = provide(load(write(tmp_path, GOOD.replace("    parallel: 3", said))))[
        "protected-server/web1"
    ]
    assert isinstance(server, ProtectedServer)
    promised = server.verification
    assert (promised.read_within_days, promised.prove_within_days, promised.sample_files) == (
        14,
        7,
        9,
    )
