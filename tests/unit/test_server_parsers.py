"""What Debian's tools print, read from recorded real output."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from blocks.errors import AlreadyExists, ConfigurationError, ProviderError
from blocks.servers.accounts import (
    Books,
    plan_accounts,
    plan_hashes,
    plan_memberships,
    renumbered,
)
from blocks.servers.configuration import parse_itemized
from blocks.servers.facts import parse_accounts, parse_facts
from blocks.servers.packages import OF_THE_MACHINE, parse_candidates, parse_installed
from blocks.servers.services import isolation_rules, ordered
from blocks.types import Account

DATA = Path(__file__).parents[1] / "data" / "debian"
PASSWD = """root:x:0:0:root:/root:/bin/bash
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
messagebus:x:100:102::/nonexistent:/usr/sbin/nologin
shop:x:1500:1500:,,,:/srv/shop:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\nwww-data:x:33:shop\nmessagebus:x:102:\nshop:x:1500:\nnogroup:x:65534:\n"


def account(name: str, uid: int, *groups: str) -> Account:
    return Account(name, uid, uid, name, f"/srv/{name}", "/bin/bash", groups)


def test_facts_of_a_real_server() -> None:
    facts = parse_facts("server", (DATA / "facts.txt").read_text())
    assert (facts.hostname, facts.distribution, facts.release) == ("base1", "debian", "12")
    assert facts.cores == 2
    assert facts.memory == 24684092 * 1024
    assert 0 < facts.disk_free < facts.disk_size
    assert {"nginx", "mariadb-server", "php8.2-fpm"} <= set(facts.packages)
    assert facts.packages == tuple(sorted(facts.packages))
    assert {"nginx", "mariadb", "cron", "ssh"} <= set(facts.services)
    assert not [name for name in facts.services if name.endswith(".service") or "@" in name]
    assert {"logrotate.timer", "phpsessionclean.timer"} <= set(facts.timers)
    site = next(each for each in facts.accounts if each.name == "site9")
    assert (site.uid, site.gid, site.group, site.home) == (1900, 1900, "site9", "/srv/site9")
    assert site.groups == ("team", "www-data")
    assert {"/etc/nginx/mime.types", "/etc/php/8.2/fpm/php.ini"} <= set(facts.untouched)
    assert "/etc/mysql/mariadb.conf.d/70-production.cnf" not in facts.untouched
    assert facts.clock.tzinfo is UTC
    assert facts.clock > datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("cut", ["", "--- hostname\nx\n", "\n--- cores\nmany\n"])
def test_facts_that_cannot_be_read_are_refused(cut: str) -> None:
    with pytest.raises(ProviderError, match="facts cannot be read"):
        parse_facts("server", cut)


def test_accounts_leave_out_root_fixed_ones_and_nobody() -> None:
    names = [each.name for each in parse_accounts(PASSWD, GROUP)]
    assert names == ["messagebus", "shop"]
    assert parse_accounts(PASSWD, GROUP)[1].groups == ("www-data",)


def test_missing_accounts_are_planned_with_their_numbers() -> None:
    wanted = (account("blog", 1501, "www-data", "later"), account("shop", 1500))
    plan = plan_accounts("server", wanted, Books(PASSWD, GROUP))
    assert plan.created == ("blog",)
    assert plan.commands[0] == ("groupadd", "-g", "1501", "blog")
    words = plan.commands[1]
    assert words[0] == "useradd"
    assert words[words.index("-u") + 1] == "1501"
    assert words[words.index("-G") + 1] == "www-data", "a group that is missing here comes later"


def test_an_account_of_a_person_whose_number_is_taken_is_refused() -> None:
    with pytest.raises(AlreadyExists, match="1500 already belongs to shop") as caught:
        plan_accounts("server", (account("blog", 1500),), Books(PASSWD, GROUP))
    assert "groupmod" in caught.value.hint


def test_a_system_account_whose_number_is_taken_gets_a_free_one() -> None:
    plan = plan_accounts("server", (account("redis", 100),), Books(PASSWD, GROUP))
    assert plan.created == ("redis",)
    assert "-u" not in plan.commands[-1]
    assert "-r" in plan.commands[-1]


def test_memberships_and_hashes_are_merged_but_never_roots() -> None:
    lost = Books(
        PASSWD, GROUP + "team:x:1950:shop\nusers:x:100:gone\n", "root:$y$a:1:\nshop:$6$b:1:\n"
    )
    here = Books(PASSWD, GROUP.replace("33:shop", "33:"), "root:$y$z:1:\nshop:!:1:\n")
    assert plan_memberships(lost, here) == (
        ("gpasswd", "-a", "shop", "www-data"),
        ("groupadd", "-g", "1950", "team"),
        ("gpasswd", "-a", "shop", "team"),
    )
    assert plan_hashes(lost, here) == "shop:$6$b\n"
    assert plan_hashes(lost, lost) == ""
    assert plan_memberships(lost, lost) == ()


def test_numbers_that_mean_another_name_here_are_mapped() -> None:
    assert renumbered({"a": 100, "b": 101, "c": 7}, {"a": 105, "b": 101}) == "100:105"


def test_installed_packages() -> None:
    found = parse_installed((DATA / "dpkg-query.txt").read_text())
    assert {"nginx", "nginx:amd64", "mariadb-server"} <= found
    assert "apache2" not in found
    assert "half" not in parse_installed("half half:amd64 install ok half-configured\n")


def test_candidates() -> None:
    found = parse_candidates((DATA / "apt-policy.txt").read_text())
    assert found == {"nginx", "apache2"}


@pytest.mark.parametrize("name", ["linux-image-amd64", "grub-pc", "cloud-init"])
def test_the_machines_own_packages(name: str) -> None:
    assert OF_THE_MACHINE.fullmatch(name)
    assert not OF_THE_MACHINE.fullmatch("nginx")


def test_changed_paths() -> None:
    assert parse_itemized((DATA / "rsync.txt").read_text()) == {
        *("/etc/sub/gone", "/etc/link", "/etc/new", "/etc/a b", "/etc/a b/with space"),
        *("/etc/sub/changed", "/etc/hard"),
    }


def test_services_start_in_the_order_they_need_each_other() -> None:
    names = ["nginx.service", "cron", "php8.2-fpm", "ssh", "redis-server", "mariadb", "dbus"]
    assert ordered(names) == ["redis-server", "mariadb", "php8.2-fpm", "cron", "nginx"]


def test_timers_of_the_machine_are_left_alone() -> None:
    names = ["links.timer", "apt-daily.timer", "systemd-tmpfiles-clean.timer", "fstrim.timer"]
    assert ordered(names) == ["links.timer"]


def test_isolation_refuses_what_is_no_address() -> None:
    assert "ip daddr { 10.0.0.1 } accept" in isolation_rules(["10.0.0.1", "10.0.0.1"])
    assert "daddr" not in isolation_rules([])
    with pytest.raises(ConfigurationError, match="evil"):
        isolation_rules(["10.0.0.1; evil"])
