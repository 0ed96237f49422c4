"""What a kit takes along of this program: its source, its locked packages, the pinned restic."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from blocks.errors import CommandFailed, ConfigurationError, DeadlineExceeded
from blocks.repositories.restic_local import pinned_binary
from blocks.repositories.restic_release import BINARY, SHA256
from deployments.kit.package import MANIFEST, Entry

ROOT = Path(__file__).resolve().parents[2]
PROGRAM, WHEELS, TOOLS, REQUIREMENTS = "programme", "paquets", "outils", "requirements.txt"
"""Folders of the kit, and the locked list of what the program needs to run."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The wheels are for this Python: Debian 12 has 3.11."""
_TREES = ("blocks", "flows", "deployments", "docs", "script")
_FILES = (
    *("prefect.yaml", "pyproject.toml", "requirements.lock", "estate.example.yaml"),
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
)
_DOWNLOAD_SECONDS = 900
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==")


def program_entries() -> Iterator[Entry]:
    """Yield the program just as it runs here, the pinned restic, and the list of its packages."""
    for path in sorted(_program_files()):
        executable = bool(path.stat().st_mode & 0o100)
        yield Entry(f"{PROGRAM}/{path.relative_to(ROOT)}", path.read_bytes(), executable)
    restic = pinned_binary(BINARY, SHA256)
    yield Entry(f"{TOOLS}/{restic.name}", restic.read_bytes(), executable=True)
    yield Entry(REQUIREMENTS, requirements().encode())


def version() -> str:
    """Return the commit of the program, with `+` if it was changed since; "" if unknown."""
    if (ROOT / ".git").exists():
        commit = _git("rev-parse", "HEAD")
        return commit + ("+" if commit and _git("status", "--porcelain", "-uno") else "")
    kit = ROOT.parent / MANIFEST
    return str(json.loads(kit.read_text()).get("program", "")) if kit.is_file() else ""


def requirements() -> str:
    """Return the part of the lock, hashes included, that running needs: no tests, no lab."""
    wanted = _closure()
    kept: dict[str, list[str]] = {}
    block: list[str] | None = None
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if found := _NAME.match(line):
            name = canonicalize_name(found[1])
            block = kept.setdefault(name, []) if name in wanted else None
        if block is not None:
            block.append(line)
    if missing := wanted - set(kept):
        raise ConfigurationError(
            "requirements.lock",
            f"does not name {', '.join(sorted(missing))}",
            "script/bootstrap, then seal again",
        )
    return "".join(f"{line}\n" for lines in kept.values() for line in lines)


def wheel_entries(locked: str) -> Iterator[Entry]:
    """Yield the wheels of a locked list, checked by their hashes, for a machine like this one.

    Raises:
        CommandFailed: pip could not bring one of them.
    """
    with tempfile.TemporaryDirectory(prefix="continuity-wheels-") as folder:
        listed, target = Path(folder) / REQUIREMENTS, Path(folder) / WHEELS
        listed.write_text(locked, encoding="utf-8")
        # A program that came out of a kit has its wheels beside it.
        near = ROOT.parent / WHEELS
        source = ("--no-index", "--find-links", str(near)) if near.is_dir() else ()
        _download(listed, target, source)
        for path in sorted(target.iterdir()):
            yield Entry(f"{WHEELS}/{path.name}", path.read_bytes())


def _download(listed: Path, target: Path, source: tuple[str, ...]) -> None:
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    argv += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--timeout", "30", *source]
    try:
        done = subprocess.run(
            [*argv, "--requirement", str(listed), "--dest", str(target)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_DOWNLOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise DeadlineExceeded(
            "wheels of the kit", f"not there after {_DOWNLOAD_SECONDS} s", "seal again"
        ) from late
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise CommandFailed(
            "wheels of the kit",
            f"pip could not bring them: {said[0] if said else 'no reason given'}",
            "seal again when the registry answers, or without them: --no-wheels",
            done.returncode,
        )


def _program_files() -> Iterator[Path]:
    yield from (ROOT / name for name in _FILES if (ROOT / name).is_file())
    for tree in _TREES:
        for path in (ROOT / tree).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _closure() -> set[str]:
    """Return the names of all packages that the program needs to run on a machine like this."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    left = [Requirement(each) for each in project["dependencies"]]
    seen: set[tuple[str, str]] = set()
    while left:
        wanted = left.pop()
        for extra in ("", *wanted.extras):
            key = canonicalize_name(wanted.name), extra
            if key not in seen:
                seen.add(key)
                left += _needs(wanted.name, extra)
    return {name for name, _ in seen}


def _needs(name: str, extra: str) -> Iterator[Requirement]:
    """Yield what a package needs here or on another machine with an older patch of this Python."""
    try:
        lines = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:
        return  # only there is it needed
    for line in lines:
        needed = Requirement(line)
        marks = ({"extra": extra}, {"extra": extra, "python_full_version": f"{PYTHON}.0"})
        if needed.marker is None or any(needed.marker.evaluate(each) for each in marks):
            yield needed


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
