"""Build the images that machines are started from, once for each state of their recipe.

A recipe is a folder of `recipes/`: `packages` (one Debian package a line; the first line may be
`#from: <image>`), an executable `setup` that runs inside as root, and whatever it needs. With a
file `release` that names a Debian release the image is made from nothing, as `base` is of
Debian 12. An image is `<cache>/images/<name>-<hash>/root`; `<cache>/images/<name>` always leads to
the newest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from blocks.errors import CommandFailed, ConfigurationError
from blocks.vps.nspawn_group import ControlGroup
from blocks.vps.nspawn_launch import NSPAWN, file_lock, launch
from deployments.lab.config import CACHE

RECIPES = Path(__file__).parent / "recipes"
IMAGES = CACHE / "images"
BUILD_SECONDS = 1200
_FORMAT = "1"
"""Goes into every hash: raise it when the builder itself changes what it builds."""
OLDEST = "bookworm"
"""Debian 12, the release of `base` and of this machine's own mirrors."""
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

_NOISE = "Attempted to remove disk file system"
"""systemd-nspawn says this at its end where PID 1 is not systemd; it means nothing."""

_INSTALL = """
apt-get -qq update
xargs -r apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install < /root/.packages
/root/recipe/setup
"""


def path(name: str) -> Path:
    """Return the root of an image's newest build; it need not exist yet."""
    return IMAGES / name / "root"


def build(name: str, tell: Callable[[str], None] = print) -> Path:
    """Return the root of the image, built first unless there is one of this very recipe."""
    if not (RECIPES / name / "packages").is_file():
        known = ", ".join(sorted(entry.name for entry in RECIPES.iterdir() if entry.is_dir()))
        raise ConfigurationError(f"image {name}", "has no recipe", f"choose one of: {known}")
    target = IMAGES / f"{name}-{_fingerprint(name)}"
    if not target.is_dir():
        parent = _parent(name)
        base = build(parent, tell) if parent else None
        with file_lock(IMAGES / f".{name}.lock", seconds=BUILD_SECONDS):
            if not target.is_dir():
                tell(f"building image {name} (log: {_log(name)})")
                _build(name, base, target)
    _point(name, target)
    return target / "root"


def mirrors() -> tuple[str, ...]:
    """Return the host names of the mirrors that images and machines get their packages from."""
    urls = (line.split()[2] for line in _sources(OLDEST).splitlines())
    return tuple(sorted({urlsplit(url).hostname or "" for url in urls}))


def _parent(name: str) -> str:
    first = (RECIPES / name / "packages").read_text().split("\n", 1)[0]
    if first.startswith("#from:"):
        return first.removeprefix("#from:").strip()
    return "" if _release(name) else "base"


def _release(name: str) -> str:
    """Return the Debian release that an image is made of, "" if it stands on another image."""
    file = RECIPES / name / "release"
    if file.is_file():
        return file.read_text().strip()
    return OLDEST if name == "base" else ""


def _fingerprint(name: str) -> str:
    digest = hashlib.sha256(_FORMAT.encode())
    parent = _parent(name)
    digest.update((_fingerprint(parent) if parent else _sources(_release(name))).encode())
    folder = RECIPES / name
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            executable = os.access(file, os.X_OK)
            digest.update(f"\0{file.relative_to(folder)}\0{executable}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _sources(release: str) -> str:
    """Return apt's lines for a release: this machine's own ones of Debian 12, renamed if needed."""
    fields = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    wanted = (OLDEST, f"{OLDEST}-updates", f"{OLDEST}-security")
    lines = {line for line in asked.stdout.splitlines() if line.split()[1] in wanted}
    if not lines:
        raise ConfigurationError(
            "apt sources", f"this machine has none of Debian 12 ({OLDEST})", "apt-get indextargets"
        )
    text = "".join(f"deb [signed-by={_KEYRING}] {line}\n" for line in sorted(lines))
    return text.replace(f" {OLDEST}", f" {release}")


def _packages(name: str) -> Iterator[str]:
    for line in (RECIPES / name / "packages").read_text().splitlines():
        if word := line.split("#", 1)[0].strip():
            yield word


def _log(name: str) -> Path:
    return IMAGES / f"{name}.log"


def _build(name: str, base: Path | None, target: Path) -> None:
    """Build into a folder that gets its name only when it is complete."""
    group = ControlGroup(f"images/{name}")
    group.kill()
    for left in IMAGES.glob(f".building-{name}-*"):
        shutil.rmtree(left)
    _log(name).unlink(missing_ok=True)
    root = IMAGES / f".building-{name}-{os.getpid()}" / "root"
    root.parent.mkdir(parents=True)
    try:
        if base:
            _run(name, group, ["cp", "--archive", "--reflink=auto", str(base), str(root)])
        else:
            _bootstrap(name, group, root)
        _set_up(name, group, root)
    finally:
        group.kill()
    (root.parent / "users").mkdir()
    root.parent.rename(target)
    _point(name, target)
    _remove_older(name, target)


def _bootstrap(name: str, group: ControlGroup, root: Path) -> None:
    sources = IMAGES / f".{name}.list"
    release = _release(name)
    sources.write_text(_sources(release))
    options = ["--mode=root", "--variant=minbase", "--skip=cleanup/apt/lists"]
    options.append('--aptopt=Acquire::Languages "none"')
    included = f"--include={','.join(_packages(name))}"
    _run(name, group, ["mmdebstrap", *options, included, release, str(root), str(sources)])


def _set_up(name: str, group: ControlGroup, root: Path) -> None:
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    (root / "root/.packages").write_text("".join(f"{word}\n" for word in _packages(name)))
    shutil.copytree(RECIPES / name, root / "root/recipe")
    for shared in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{shared}", root / "etc" / shared)
    inside = [*NSPAWN, "--quiet", "--as-pid2", f"--directory={root}", f"--machine=image-{name}"]
    inside += ["--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=LANG=C.UTF-8"]
    _run(name, group, [*inside, "--console=pipe", "bash", "-euc", _INSTALL])
    _seal(root)


def _seal(root: Path) -> None:
    """Take out what belongs to one machine only, or to the build."""
    for leftover in ("usr/sbin/policy-rc.d", "root/.packages"):
        (root / leftover).unlink()
    shutil.rmtree(root / "root/recipe")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    (root / "etc/machine-id").write_text("")
    (root / "etc/resolv.conf").write_text("")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")


def _run(name: str, group: ControlGroup, argv: list[str]) -> None:
    process = launch(argv, group=group, log=_log(name))
    try:
        status = process.wait(timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        status = -1
    if status:
        lines = _log(name).read_text(errors="replace").splitlines()
        last = "\n".join([line for line in lines if _NOISE not in line][-5:])
        cause = f"{argv[0]} ended with {status}: {last}" if status > 0 else "took too long"
        raise CommandFailed(f"image {name}", cause, f"less {_log(name)}", status, last)


def _point(name: str, target: Path) -> None:
    link = IMAGES / name
    if not link.is_symlink() or link.readlink() != Path(target.name):
        fresh = IMAGES / f".{name}-{os.getpid()}.link"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target.name)
        fresh.replace(link)


def _remove_older(name: str, newest: Path) -> None:
    """Remove earlier builds that no machine stands on; a machine's folder is its mark of use."""
    for older in IMAGES.glob(f"{name}-????????????"):
        used = any(mark.exists() for mark in (older / "users").iterdir())
        if older != newest and not used:
            shutil.rmtree(older)
