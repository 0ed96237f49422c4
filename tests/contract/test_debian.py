"""The system operations on a real Debian machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from blocks.errors import (
    AlreadyExists,
    CommandFailed,
    ConfigurationError,
    DeadlineExceeded,
    DiskFull,
    NotFound,
)
from blocks.servers.ssh import SshServer
from blocks.types import Account, CommandResult, Overlay, RemoteCommand

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
SHORT = timedelta(seconds=30)
LONG = timedelta(minutes=8)
STAGING = "/var/lib/continuity/configuration"
SITE = Account("shop", 1900, 1900, "shop", "/srv/shop", "/bin/bash", ("www-data",))


def sh(server: SshServer, script: str) -> str:
    return server.run(("bash", "-euc", script), timeout=SHORT).stdout.decode()


def pid(server: SshServer, service: str) -> int:
    return int(sh(server, f"systemctl show --value -p MainPID {service}"))


@pytest.fixture
def web(debian: SshServer) -> SshServer:
    """The machine with a web server whose port is 8080 and with PHP, everything running."""
    debian.add_accounts([SITE])
    debian.install_packages(["nginx-light", "php8.2-fpm"], timeout=LONG)
    debian.unfence()
    debian.start_services(["nginx", "php8.2-fpm", "cron"])
    return debian


@pytest.fixture
def staging(debian: SshServer) -> Iterator[str]:
    sh(debian, f"rm -rf {STAGING}; mkdir -p {STAGING}/etc; chmod 700 {STAGING}")
    yield STAGING
    sh(debian, f"rm -rf {STAGING}")


# --- jobs ---


def test_a_job_has_secrets_payload_and_words_as_any_command(debian: SshServer) -> None:
    command = RemoteCommand(
        ("sh", "-c", 'echo "$A"; cat; echo "$1" "$HOME"', "x", "${A} $B"), {"A": "s e$c"}
    )
    result = debian.run(command, timeout=SHORT, stdin=b"payload\n", job="words")
    assert result.stdout == b"s e$c\npayload\n${A} $B /root\n"


def test_a_job_that_runs_too_long_is_ended_on_the_server(debian: SshServer) -> None:
    started = monotonic()
    with pytest.raises(DeadlineExceeded):
        debian.run(("sleep", "60"), timeout=timedelta(seconds=2), job="slow")
    assert monotonic() - started < 30
    assert debian.stop_jobs("slow") == ()


@pytest.mark.parametrize("by", ["the same job again", "stop_jobs"])
def test_a_stopped_job_is_a_failure_for_who_waits_for_it(debian: SshServer, by: str) -> None:
    ends: list[CommandResult | CommandFailed] = []

    def wait() -> None:
        try:
            ends.append(debian.run(("sleep", "60"), timeout=timedelta(minutes=2), job="long"))
        except CommandFailed as stopped:
            ends.append(stopped)

    waiter = threading.Thread(target=wait)
    waiter.start()
    deadline = monotonic() + 20
    while "continuity-long" not in sh(debian, "systemctl list-units --plain 'continuity-*'"):
        assert monotonic() < deadline
    if by == "stop_jobs":
        assert debian.stop_jobs("long") == ("continuity-long.service",)
    else:
        assert debian.run(("echo", "new"), timeout=SHORT, job="long").stdout == b"new\n"
    waiter.join(20)
    assert isinstance(ends[0], CommandFailed)


def test_a_pipe_as_a_job_tells_who_failed(debian: SshServer) -> None:
    source = RemoteCommand(("sh", "-c", "echo half; echo broke >&2; exit 3"))
    with pytest.raises(CommandFailed, match="broke") as caught:
        debian.pipe(source, RemoteCommand(("cat",)), timeout=SHORT, job="pipe")
    assert caught.value.status == 3


def test_a_full_disk_names_the_place(debian: SshServer) -> None:
    sh(debian, "mkdir -p /mnt/small; mountpoint -q /mnt/small || mount -t tmpfs -o size=1m x $_")
    with pytest.raises(DiskFull, match="df -h /mnt/small"):
        debian.put("/mnt/small/file", b"x" * 3_000_000)
    assert sh(debian, "ls -A /mnt/small") == "", "nothing half-written is left"
    sh(debian, "umount /mnt/small")


# --- an address that moves ---


def test_a_taken_address_outlives_the_network_and_is_no_service_of_a_site(
    debian: SshServer,
) -> None:
    debian.drop_address("192.0.2.200")
    before = debian.facts()
    debian.take_address("192.0.2.200")
    sh(debian, "systemctl restart systemd-networkd; networkctl reload; sleep 1")
    assert "192.0.2.200/32" in sh(debian, "ip -o address show dev lo")
    unit = "continuity-address@192.0.2.200.service"
    assert sh(debian, f"systemctl is-enabled {unit}; systemctl is-active {unit}").split() == [
        "enabled",
        "active",
    ]
    assert debian.start_services(set(debian.facts().services) - set(before.services)) == ()
    sh(debian, "ip address delete 192.0.2.200/32 dev lo")
    debian.take_address("192.0.2.200")
    assert "192.0.2.200/32" in sh(debian, "ip -o address show dev lo")
    debian.drop_address("192.0.2.200")
    assert "192.0.2.200" not in sh(debian, "ip -o address")
    assert "disabled" in sh(debian, f"systemctl is-enabled {unit} || true")


# --- facts, accounts, packages ---


def test_facts(debian: SshServer) -> None:
    debian.add_accounts([SITE])
    facts = debian.facts()
    assert (facts.hostname, facts.distribution, facts.release) == ("debian", "debian", "12")
    assert abs(facts.clock - datetime.now(UTC)) < timedelta(seconds=30)
    assert SITE in facts.accounts
    assert {"cron", "ssh"} <= set(facts.services)
    assert "openssh-server" in facts.packages


def test_accounts_are_made_once_and_never_over_others(debian: SshServer) -> None:
    blog = Account("blog", 1901, 1905, "blogs", "/srv/blog", "/usr/sbin/nologin", ("www-data",))
    assert debian.add_accounts([blog]) in (("blog",), ())
    assert debian.add_accounts([blog]) == ()
    assert sh(debian, "id -un 1901; id -gn blog; id -Gn blog").split("\n")[:2] == ["blog", "blogs"]
    assert blog in debian.facts().accounts
    with pytest.raises(AlreadyExists, match="1901"):
        debian.add_accounts([Account("other", 1901, 1999, "other", "/", "/bin/sh")])


def test_unknown_packages_are_named_before_anything_is_installed(debian: SshServer) -> None:
    with pytest.raises(NotFound, match="no-such-package-a, no-such-package-b"):
        debian.install_packages(
            ["no-such-package-b", "lighttpd", "no-such-package-a"], timeout=LONG
        )
    assert debian.install_packages([], timeout=LONG) == ()
    assert "lighttpd" not in debian.facts().packages


def test_what_can_be_installed_is_known_by_name(debian: SshServer) -> None:
    offered = debian.offered_packages()
    assert {"nginx", "php8.2-fpm", "openssh-server"} <= offered
    assert not {"php8.4-fpm", "no-such-package-a"} & offered
    assert len(offered) > 10_000


def test_packages_are_installed_once_and_their_services_do_not_start(debian: SshServer) -> None:
    sh(debian, "apt-get -q -y purge memcached 2>/dev/null >&2 || true")
    wanted = ["memcached", "openssh-server", "linux-image-amd64"]
    assert debian.install_packages(wanted, timeout=LONG) == ("memcached",)
    assert debian.install_packages(wanted, timeout=LONG) == ()
    assert sh(debian, "systemctl is-active memcached || true").strip() == "inactive"
    assert sh(debian, "ls /usr/sbin/policy-rc.d 2>/dev/null || true") == ""
    assert debian.start_services(["memcached"]) == ("memcached",)


def test_an_interrupted_installation_is_repaired(debian: SshServer) -> None:
    sh(debian, "apt-get -q -y purge memcached >/dev/null; cd /tmp; apt-get -q download memcached")
    sh(
        debian,
        "dpkg --unpack /tmp/memcached_*.deb; printf '#!/bin/sh\\nexit 101' >/usr/sbin/policy-rc.d",
    )
    debian.install_packages(["memcached"], timeout=LONG)
    assert "install ok installed" in sh(debian, "dpkg -s memcached")
    assert sh(debian, "ls /usr/sbin/policy-rc.d 2>/dev/null || true") == ""


# --- configuration ---


def test_configuration_is_put_in_force_with_owners_by_name(web: SshServer, staging: str) -> None:
    sh(
        web,
        f"""cd {staging}/etc; cp -a /etc/nginx .; rm -f nginx/sites-enabled/*
        echo 'server {{ listen 8081; }}' >nginx/sites-available/shop
        ln -sf ../sites-available/shop nginx/sites-enabled/shop
        touch /etc/nginx/sites-enabled/left-over.conf
        mkdir -p letsencrypt systemd/system ../var/spool/cron/crontabs
        echo key >letsencrypt/key; chmod 600 letsencrypt/key; touch -d 2020-01-01 letsencrypt/key
        ln -s /dev/null systemd/system/nginx.service
        printf 'root:x:0:0::/root:/bin/bash\\nshop:x:3900:3900::/srv/shop:/bin/bash\\n' >passwd
        printf 'root:x:0:\\nshop:x:3900:\\ncrontab:x:3777:\\nteam:x:1950:shop\\n' >group
        printf 'root:$6$no:1::::::\\nshop:$6$salt$hash:19000:0:99999:7:::\\n' >shadow
        echo '0 3 * * * true' >../var/spool/cron/crontabs/shop
        chown 3900:3777 ../var/spool/cron/crontabs/shop; chmod 600 ../var/spool/cron/crontabs/shop
        chgrp 3777 ../var/spool/cron/crontabs; chmod 1730 ../var/spool/cron/crontabs
        echo lost >hostname; echo lost >fstab; echo lost >machine-id
        mkdir ssh; echo no >ssh/sshd_config
        """,
    )
    kept = sh(web, "cat /etc/hostname /etc/fstab /etc/machine-id /etc/ssh/sshd_config")
    root = sh(web, "grep ^root: /etc/shadow; stat -c '%a %U' / /etc")
    changed = web.apply_configuration(staging)
    assert {"/etc/nginx/sites-enabled/shop", "/etc/letsencrypt/key"} <= set(changed)
    assert "/etc/nginx/sites-enabled/left-over.conf" in changed, "the lost server had none"
    assert web.apply_configuration(staging) == ()
    assert sh(web, "cat /etc/hostname /etc/fstab /etc/machine-id /etc/ssh/sshd_config") == kept
    assert sh(web, "grep ^root: /etc/shadow; stat -c '%a %U' / /etc") == root
    assert sh(web, "stat -c '%a %U %G' /var/spool/cron/crontabs/shop") == "600 shop crontab\n"
    assert sh(web, "stat -c '%a %Y' /etc/letsencrypt/key").startswith("600 1577836800")
    assert "$6$salt$hash" in sh(web, "grep ^shop: /etc/shadow")
    assert "team" in sh(web, "id -Gn shop").split()
    assert sh(web, "ls /etc/nginx/sites-enabled") == "shop\n"
    assert "nginx" in web.start_services(["nginx"]), "the mask in the backup was not taken over"
    assert web.answers(8081, timeout=SHORT)


def test_part_of_a_directory_deletes_nothing_of_the_rest(web: SshServer, staging: str) -> None:
    sh(web, f"mkdir -p {staging}/etc/nginx/conf.d; echo '# x' >{staging}/etc/nginx/conf.d/x.conf")
    assert web.apply_configuration(staging) == ("/etc/nginx/conf.d/x.conf",)
    assert sh(web, "ls /etc/nginx/nginx.conf /etc/nginx/conf.d/x.conf").count("\n") == 2


def test_over_another_release_its_own_files_stay_and_directories_get_its_names(
    web: SshServer, staging: str
) -> None:
    untouched = web.facts().untouched
    assert {"/etc/nginx/mime.types", "/etc/php/8.2/fpm/php-fpm.conf"} <= set(untouched)
    sh(
        web,
        f"""cd {staging}/etc; cp -a /etc/nginx .; mkdir -p php/7.4/fpm/pool.d cron.d pam.d
        echo '# other mime' >nginx/mime.types; echo '# changed' >>nginx/nginx.conf
        printf '[shop]\\nuser = shop\\nlisten = /run/php/php7.4-shop.sock\\npm = static\\n' >shop
        echo 'pm.max_children = 1' >>shop; mv shop php/7.4/fpm/pool.d/shop.conf
        echo 'include=/etc/php/7.4/fpm/pool.d/*.conf' >php/7.4/fpm/php-fpm.conf
        echo '; see /etc/php/7.4/fpm/more' >php/7.4/fpm/own.ini
        echo '* * * * * root true' >cron.d/shop; echo other >pam.d/common-auth""",
    )
    kept = ("/etc/nginx/mime.types", "/etc/php/8.2/fpm/php-fpm.conf", "/etc/pam.d")
    over = Overlay((("/etc/php/7.4", "/etc/php/8.2"),), kept)
    before = sh(web, "cat /etc/nginx/mime.types /etc/php/8.2/fpm/php-fpm.conf /etc/pam.d/*")
    changed = set(web.apply_configuration(staging, over))
    assert {"/etc/php/8.2/fpm/pool.d/shop.conf", "/etc/cron.d/shop"} <= changed
    assert "/etc/php/8.2/fpm/pool.d/www.conf" in changed, "the lost server had no such pool"
    assert sh(web, "cat /etc/nginx/mime.types /etc/php/8.2/fpm/php-fpm.conf /etc/pam.d/*") == before
    assert "# changed" in sh(web, "cat /etc/nginx/nginx.conf")
    assert sh(web, "cat /etc/php/8.2/fpm/own.ini") == "; see /etc/php/8.2/fpm/more\n"
    assert sh(web, "ls -d /etc/php/7.4 2>/dev/null || true") == ""
    assert sh(web, "ls /etc/php/8.2/fpm").count("\n") > 3, "only pools are mirrored"
    assert web.apply_configuration(staging, over) == ()
    assert "php8.2-fpm" in web.start_services(["php8.2-fpm"])
    assert sh(web, "test -S /run/php/php7.4-shop.sock; echo $?") == "0\n"
    assert "/etc/nginx/nginx.conf" not in web.facts().untouched


def test_a_staging_directory_that_is_not_there(debian: SshServer) -> None:
    with pytest.raises(NotFound, match="/nowhere"):
        debian.apply_configuration("/nowhere")
    with pytest.raises(ConfigurationError):
        debian.apply_configuration("/")


# --- services ---


def test_services_are_restarted_only_for_a_newer_configuration(web: SshServer) -> None:
    sh(web, "touch /etc/nginx/conf.d/just-before.conf")
    web.start_services(["nginx"])
    first = pid(web, "nginx")
    assert web.start_services(["nginx", "ssh", "no-such-service"]) == ("nginx",)
    assert pid(web, "nginx") == first
    sh(web, "sleep 1.1; touch /etc/nginx/conf.d/newer.conf")
    web.start_services(["nginx"])
    assert pid(web, "nginx") != first


def test_a_broken_configuration_is_told_and_what_runs_goes_on(web: SshServer) -> None:
    first = pid(web, "nginx")
    web.put("/etc/nginx/conf.d/broken.conf", b"nonsense on;\n", mode=0o644)
    with pytest.raises(CommandFailed, match="nonsense") as caught:
        web.start_services(["nginx"])
    assert "nginx -t" in caught.value.hint
    assert pid(web, "nginx") == first
    sh(web, "rm /etc/nginx/conf.d/broken.conf")


def test_a_service_that_does_not_come_up_shows_its_log(debian: SshServer) -> None:
    unit = b"[Service]\nExecStart=sh -c 'echo out of paper; exit 3'\nType=notify\n"
    debian.put("/etc/systemd/system/printing.service", unit, mode=0o644)
    with pytest.raises(CommandFailed, match="out of paper") as caught:
        debian.start_services(["printing"])
    assert "journalctl -u printing" in caught.value.hint
    sh(debian, "rm /etc/systemd/system/printing.service; systemctl daemon-reload")


def test_a_timer_is_enabled_and_waits_for_its_time(debian: SshServer) -> None:
    job = b"[Service]\nType=oneshot\nExecStart=touch /run/chimed\n"
    timer = b"[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n"
    debian.put("/etc/systemd/system/chime.service", job, mode=0o644)
    debian.put("/etc/systemd/system/chime.timer", timer, mode=0o644)
    assert "chime.timer" not in debian.facts().timers
    assert debian.start_services(["chime.timer", "fstrim.timer"]) == ("chime.timer",)
    assert debian.start_services(["chime.timer"]) == ("chime.timer",)
    assert "chime.timer" in debian.facts().timers
    assert "chime" not in debian.facts().services
    assert (
        sh(debian, "systemctl is-active chime.timer; ls /run/chimed 2>&1 | wc -l") == "active\n1\n"
    )
    sh(debian, "systemctl disable --now -q chime.timer; rm /etc/systemd/system/chime.*")


def test_a_fence_holds_until_it_is_taken_away(web: SshServer) -> None:
    web.fence()
    web.fence()
    assert not web.answers(80, timeout=SHORT)
    assert not web.answers(8081, timeout=SHORT)
    assert sh(web, "systemctl is-active nginx php8.2-fpm cron || true").split() == ["inactive"] * 3
    with pytest.raises(CommandFailed, match="fenced"):
        web.start_services(["nginx"])
    web.unfence()
    web.unfence()
    assert sh(web, "systemctl is-active nginx php8.2-fpm cron").split() == ["active"] * 3


def test_an_isolated_machine_answers_but_calls_only_who_is_allowed(debian: SshServer) -> None:
    operator = debian.address.rsplit(".", 1)[0] + ".1"
    call = f"timeout 20 bash -c '</dev/tcp/{operator}/3142' 2>/dev/null && echo yes || echo no"
    try:
        debian.isolate([operator])
        assert sh(debian, call) == "yes\n"
        debian.isolate([])
        started = monotonic()
        assert sh(debian, call) == "no\n"
        assert monotonic() - started < 10, "refused at once: a site that calls out is not slow"
        assert debian.answers(22, timeout=SHORT)
        assert sh(debian, "timeout 2 bash -c '</dev/tcp/127.0.0.1/22'; echo $?") == "0\n"
    finally:
        sh(debian, "nft delete table inet continuity_isolation")
