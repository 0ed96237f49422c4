"""A closed server on a real machine: what visitors see, and that it opens again by itself."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files

import pytest

from blocks.errors import CommandFailed, VerificationFailed
from blocks.servers.ssh import SshServer
from flows.reports.failback_text import MAINTENANCE_PAGE

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
SHORT, LONG = timedelta(seconds=30), timedelta(minutes=5)
SITE = """
server { listen 80 default_server; server_name a.test; charset utf-8; error_page 503 /own.html;
  root /var/www/html; location / { return 200 'open'; } location /api { return 200 'api'; } }
server
{
  listen 8081; server_name b.test; location / { return 200 'other'; }
}
"""
SERVICES = ["nginx", "cron"]


def sh(server: SshServer, script: str) -> str:
    return server.run(("bash", "-c", script), timeout=SHORT).stdout.decode().strip()


def ask(server: SshServer, path: str = "/", *, port: int = 80, method: str = "GET") -> str:
    """Return status and body as a visitor gets them."""
    curl = f"curl -sS -X {method} -w ' %{{http_code}}' http://127.0.0.1:{port}{path}"
    return sh(server, f"{curl} 2>&1 || true")


def active(server: SshServer) -> list[str]:
    return sh(server, f"systemctl is-active {' '.join(SERVICES)}; true").split()


@pytest.fixture
def web(debian: SshServer) -> Iterator[SshServer]:
    """The machine with nginx and cron running and two sites."""
    debian.install_packages(["nginx-light", "curl"], timeout=LONG)
    sh(debian, "rm -f /etc/nginx/sites-enabled/default")
    debian.put("/etc/nginx/sites-enabled/continuity-test", SITE.encode(), mode=0o644)
    debian.unfence()
    debian.start_services(SERVICES)
    sh(debian, "systemctl reload nginx; sleep 0.2")
    yield debian
    sh(debian, "rm -rf /var/lib/continuity/maintenance/kept")
    debian.end_maintenance()
    sh(debian, "rm -f /etc/nginx/sites-enabled/continuity-test; systemctl reload nginx")


def close(server: SshServer, seconds: float = 120) -> None:
    server.begin_maintenance(SERVICES, MAINTENANCE_PAGE, reopen_after=timedelta(seconds=seconds))


def test_every_site_shows_the_page_and_all_comes_back(web: SshServer) -> None:
    assert ask(web) == "open 200"
    close(web)
    for path, port, method in (("/", 80, "GET"), ("/api", 80, "POST"), ("/x", 8081, "GET")):
        said = ask(web, path, port=port, method=method)
        assert said.endswith(" 503"), said
        assert "Maintenance en cours" in said
    assert active(web) == ["inactive", "inactive"]
    web.add_undo("touch /run/undone-by-the-end")
    close(web)
    web.end_maintenance()
    assert (ask(web), ask(web, port=8081)) == ("open 200", "other 200")
    assert active(web) == ["active", "active"]
    assert sh(web, "ls /run/undone-by-the-end") == "/run/undone-by-the-end"
    web.end_maintenance()


def test_it_opens_by_itself_when_nothing_more_is_heard(web: SshServer) -> None:
    close(web, seconds=2)
    deadline = time.monotonic() + 30
    while ask(web) != "open 200":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    with pytest.raises(VerificationFailed, match="did not stay closed"):
        web.keep_closed()


def test_after_another_machine_took_over_it_never_opens_again(web: SshServer) -> None:
    close(web, seconds=2)
    web.keep_closed()
    time.sleep(4)
    assert active(web) == ["inactive", "inactive"]
    with pytest.raises(CommandFailed, match="another machine has taken over"):
        web.end_maintenance()


def test_a_web_server_that_could_not_show_the_page_is_not_stopped(web: SshServer) -> None:
    web.put("/etc/nginx/sites-enabled/broken", b"server { listen 80; nonsense; }", mode=0o644)
    try:
        with pytest.raises(CommandFailed, match="nonsense"):
            close(web)
        assert ask(web) == "open 200"
    finally:
        sh(web, "rm /etc/nginx/sites-enabled/broken")


def test_the_key_of_the_link_reads_files_and_does_nothing_else(web: SshServer) -> None:
    """The machine stands for both sides: what the key may do is decided where it is let in."""
    web.join(web, 3306, 13306)
    sh(web, "mkdir -p '/srv/link/a b'; echo x >'/srv/link/a b/c'")
    assert web.differences(web, ["/srv/link"], contents=True, timeout=SHORT) == ()
    key = "ssh -i /var/lib/continuity/link/key -o BatchMode=yes -o LogLevel=ERROR "
    key += "-o UserKnownHostsFile=/var/lib/continuity/link/known_hosts root@" + web.address
    for tried in ("id", "'rsync --server -s . /srv'", "'rsync --server --sender -s;id'"):
        assert "only rsync, reading" in sh(web, f"{key} {tried} 2>&1 </dev/null; true")
    web.part(web)
    assert "continuity-link" not in sh(web, "cat /root/.ssh/authorized_keys; ls /root/.ssh")


def test_the_program_is_sound() -> None:
    program = files("blocks.servers").joinpath("maintenance.sh")
    subprocess.run(["shellcheck", "--severity=warning", str(program)], check=True)
