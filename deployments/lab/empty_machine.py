"""A Debian machine with nothing on it, from which a recovery starts when all else is lost.

It is the lab's image `base` in namespaces of its own (mounts, processes, host name) inside the
lab's network, which has no way out but the apt cache. What it shares with this host is what a
provider's API would be elsewhere: the kernel, the folder of the provider's machines and its images,
both at the same paths. No checkout, no Python environment, no secrets of the lab lie on it.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from blocks.errors import CommandFailed, DeadlineExceeded, ProviderError
from deployments.lab import apt_cache, images, machines, processes
from deployments.lab.config import Lab

NAME = "empty-machine"
_START_SECONDS = 10.0
_SETUP = """
image=$1 own=$2; shift 2
hostname secours
mount -t overlay empty -o "lowerdir=$image,upperdir=$own/upper,workdir=$own/work" "$own/root"
cd "$own/root"
mount -t proc proc proc
for each in /sys /dev; do mount --rbind "$each" ".$each"; done
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
for each in /run/netns "$@"; do mkdir -p ".$each"; mount --rbind "$each" ".$each"; done
pivot_root . mnt
exec chroot . sh -euc 'umount -l /mnt; exec sleep infinity' <&- 2>&1
"""
"""After `pivot_root` and `umount` nothing of this host's own files can be reached by any path."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command on the machine ended."""

    status: int
    seconds: float
    output: str


@dataclass(frozen=True, slots=True)
class EmptyMachine:
    """The running machine; its processes end with the lab's."""

    lab: Lab
    init: int

    def run(self, script: str, *, seconds: float) -> Said:
        """Run a shell script there as root, at home, with no variable of ours."""
        enter = ("nsenter", f"--target={self.init}", "--mount", "--pid", "--net", "--uts", "--ipc")
        environment = ("env", "-i", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        began = time.monotonic()
        try:
            done = subprocess.run(
                [*enter, "--", *environment, path, "bash", "-c", f"cd; set -eo pipefail; {script}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise DeadlineExceeded(
                NAME, f"not done in {seconds:g} s: {script[:60]}", "run again"
            ) from late
        return Said(done.returncode, time.monotonic() - began, done.stdout)

    def require(self, script: str, *, seconds: float) -> Said:
        """Run a script that must end well. Raises `CommandFailed`."""
        said = self.run(script, seconds=seconds)
        if said.status:
            cause = f"{script[:60]}: {said.output.strip()[-600:]}"
            raise CommandFailed(NAME, cause, "run again", said.status)
        return said


def start(lab: Lab, files: dict[str, bytes]) -> EmptyMachine:
    """Start a fresh machine that has these files in root's home, and nothing else of ours."""
    processes.stop(lab, NAME)
    own = _prepare(lab, files)
    shared = [str(machines.state(lab)), str(images.IMAGES)]
    argv = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--propagation=private", "--fork"]
    argv += ["--kill-child", "sh", "-euc", _SETUP, "sh", str(images.path("base").resolve())]
    unshare = processes.spawn(lab, NAME, [*argv, str(own), *shared])
    deadline = time.monotonic() + _START_SECONDS
    while not (init := _init(unshare)):
        if not processes.running(lab, NAME) or time.monotonic() > deadline:
            hint = f"less {processes.log(lab, NAME)}"
            raise ProviderError(NAME, "did not start", hint)
        time.sleep(0.02)
    return EmptyMachine(lab, init)


def _prepare(lab: Lab, files: dict[str, bytes]) -> Path:
    """Make the folders of its disk: the image's files, those it needs to reach apt, the given."""
    own = lab.state / f"{NAME}-{time.time_ns()}"
    for folder in ("upper/root", "upper/etc/apt/apt.conf.d", "work", "root"):
        (own / folder).mkdir(parents=True)
    for folder in ("upper", "upper/etc", "upper/etc/apt", "upper/etc/apt/apt.conf.d"):
        (own / folder).chmod(0o755)
    (own / "upper/root").chmod(0o700)
    (own / "upper/etc/resolv.conf").write_text(f"nameserver {lab.resolver}\n")
    proxy = f'Acquire::http::Proxy "{apt_cache.url(lab)}";\n'
    proxy += f'Acquire::https::Proxy "{apt_cache.url(lab)}";\n'
    (own / "upper/etc/apt/apt.conf.d/00proxy").write_text(proxy)
    # As the first boot of an installed Debian would; systemd-nspawn asks for it.
    (own / "upper/etc/machine-id").write_text(f"{secrets.token_hex(16)}\n")
    (own / "upper/etc/hosts").write_text("127.0.0.1 localhost secours\n")
    for name, content in files.items():
        (own / "upper/root" / name).write_bytes(content)
        (own / "upper/root" / name).chmod(0o600)
    return own


def _init(unshare: int) -> int:
    """Return the machine's first process once it sleeps in its own root, 0 before."""
    try:
        children = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
        for child in children:
            if Path(f"/proc/{child}/comm").read_text().strip() == "sleep":
                return int(child)
    except OSError:
        return 0
    return 0
