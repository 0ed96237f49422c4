"""The same jobs by bare tools over plain `ssh`: restic, mariadb-backup, mariadb-dump, apt."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from blocks.errors import CommandFailed, DeadlineExceeded
from blocks.types import ServerFacts
from deployments.lab.config import Lab

_SECONDS = 900
_HEAD = r"""
set -euo pipefail
export LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive
began=$EPOCHREALTIME
told() { awk -v a="$began" -v b="$EPOCHREALTIME" -v n="$1" 'BEGIN { print "TIME", n, b - a }'; }
"""
_COPY = "mariadb-backup --backup --stream=xbstream --user=root --target-dir=/run/bench"
_DUMP = "mariadb-dump --single-transaction --quick --routines --triggers --events --hex-blob"
_INSTALL = r"""
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
apt-get -qq update
apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io \
  install {packages} >/dev/null
rm /usr/sbin/policy-rc.d
told packages
"""
_CONFIGURE = r"""
r restore -q latest --tag configuration --target /var/tmp/configuration
for name in {folders}; do rm -rf "/etc/$name"; cp -a "/var/tmp/configuration/etc/$name" /etc/; done
told configuration
"""
_DATABASE = r"""
new=/var/lib/mysql.new; mkdir -m 700 $new
r dump latest --tag physical physical.xbstream | mbstream -x -C $new
told stream
mariadb-backup --prepare --use-memory=1G --target-dir=$new 2>/dev/null
chown -R mysql:mysql $new; rm -rf /var/lib/mysql; mv $new /var/lib/mysql
install -d -o mysql -g adm /var/log/mysql
systemctl start mariadb
told database
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of the lab as `ssh` reaches it."""

    lab: Lab
    name: str
    address: str
    host_key: str


@dataclass(frozen=True, slots=True)
class Restic:
    """A restic repository of the bare commands, never one of ours."""

    argv: tuple[str, ...]
    password: str
    access_key: str
    secret_key: str

    @property
    def lines(self) -> str:
        """Shell lines that define `r`; as standard input, so the secrets are in no argv."""
        secrets = {
            "RESTIC_PASSWORD": self.password,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }
        exports = (f"export {name}={shlex.quote(value)}" for name, value in secrets.items())
        return "\n".join([*exports, f'r() {{ {shlex.join(self.argv)} "$@"; }}', ""])


@dataclass(frozen=True, slots=True)
class Timed:
    """How long a script took in all, and when each of its stages had ended."""

    seconds: float
    stages: dict[str, float]


def run(host: Host, script: str) -> Timed:
    """Run a script over `ssh`. Raises `CommandFailed`, `DeadlineExceeded`."""
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*_ssh(host), "bash", "-s"],
            input=_HEAD + script,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise DeadlineExceeded(
            f"bare commands on {host.name}", f"not done in {_SECONDS} s", "use less data"
        ) from late
    spent = time.monotonic() - began
    if done.returncode:
        said = "; ".join((done.stdout + done.stderr).strip().splitlines()[-4:])
        hint = f"try them by hand: script/lab ssh {host.name}"
        raise CommandFailed(f"bare commands on {host.name}", said, hint, done.returncode)
    lines = (line.split() for line in done.stdout.splitlines() if line.startswith("TIME "))
    return Timed(spent, {name: float(seconds) for _, name, seconds in lines})


def backup(
    restic: Restic,
    databases: Sequence[str],
    roots: Sequence[str],
    configuration: Sequence[str],
    *,
    parallel: bool,
) -> str:
    """Return the script of a whole backup; `parallel` runs all but the physical copy at once."""
    jobs = {name: _stream(f"{name}.sql", f"{_DUMP} --databases {name}") for name in databases}
    jobs["files"] = f"r backup -q --no-scan --tag files {shlex.join(roots)}"
    jobs["configuration"] = f"r backup -q --no-scan --tag configuration {shlex.join(configuration)}"
    lines = [restic.lines, "r init -q", _stream("physical.xbstream", _COPY), "told physical"]
    if parallel:
        lines += [*(f"{job} & jobs+=($!)" for job in jobs.values())]
        lines += ['for job in "${jobs[@]}"; do wait "$job"; done', "told rest"]
    else:
        lines += [line for name, job in jobs.items() for line in (job, f"told {name}")]
    return "\n".join(lines) + "\n"


def recovery(restic: Restic, facts: ServerFacts, services: Sequence[str]) -> str:
    """Return the script that makes a bare machine serve: files beside packages, then the rest."""
    people = [each for each in facts.accounts if 1000 <= each.uid < 60000]
    accounts = [
        f"groupadd -g {each.gid} {each.group} || true; "
        f"useradd -M -u {each.uid} -g {each.gid} -d {each.home} -s {each.shell} {each.name}"
        for each in people
    ]
    groups = [f"usermod -aG {group} {each.name}" for each in people for group in each.groups]
    return "\n".join(
        [
            restic.lines,
            *accounts,
            "r restore -q latest --tag files --target / & files=$!",
            _INSTALL.format(packages=shlex.join(facts.packages)),
            *groups,
            _CONFIGURE.format(folders="nginx php mysql wordpress ssl"),
            _DATABASE,
            f"systemctl restart {shlex.join(services)}; told services",
            "wait $files; told files",
        ]
    )


def _stream(name: str, command: str) -> str:
    tag = name.split(".", maxsplit=1)[0]
    return f"r backup -q --tag {tag} --stdin-filename {name} --stdin-from-command -- {command} " + (
        "2>/dev/null"
    )


def _ssh(host: Host) -> list[str]:
    known = host.lab.state / "known_hosts" / f"bench-{host.name}"
    known.parent.mkdir(exist_ok=True)
    known.write_text(f"{host.address} {host.host_key}\n")
    options = (f"UserKnownHostsFile={known}", "StrictHostKeyChecking=yes", "LogLevel=ERROR")
    key = ("-i", str(host.lab.secrets / "ssh-key"), "-o", "IdentitiesOnly=yes")
    return [
        *("ssh", *key, *(word for option in options for word in ("-o", option))),
        f"root@{host.address}",
    ]
