"""Seal a kit and prove it; open one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from string import Template

from blocks.errors import ConfigurationError, DamagedData, NotFound, VerificationFailed
from deployments.kit.estate_part import estate_entries
from deployments.kit.locks import Key, Lock
from deployments.kit.package import Entry, complete, manifest_of, pack, unpack
from deployments.kit.program_part import (
    PYTHON,
    program_entries,
    requirements,
    version,
    wheel_entries,
)
from flows.reports.wording import moment

README, INSTALLER = "LISEZ-MOI.md", "install"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Sealed:
    """A kit that was written.

    Attributes:
        opened: Whether it was opened again with a private key and compared, byte for byte.
    """

    path: Path
    sha256: str
    size: int
    files: int
    program: str
    opened: bool


def gather(
    estate: Path, at: datetime, *, wheels: bool, variables: Sequence[str]
) -> tuple[Entry, ...]:
    """Return everything that goes into the kit.

    Raises:
        ConfigurationError: A secret or a file of the estate is missing.
        CommandFailed: The wheels could not be brought.
    """
    lies, entries = estate_entries(estate, variables)
    program = version()
    readme = Template((_HERE / README).read_text(encoding="utf-8")).substitute(
        date=moment(at), programme=program or "inconnue", parc=lies, python=PYTHON
    )
    installer = (_HERE / INSTALLER).read_text(encoding="utf-8")
    installer = installer.replace("@PARC@", lies).replace("@PYTHON@", PYTHON)
    parts = [
        Entry(README, readme.encode()),
        Entry(INSTALLER, installer.encode(), executable=True),
        *entries,
        *program_entries(),
        *(wheel_entries(requirements()) if wheels else ()),
    ]
    digest = next(each.sha256 for each in entries if each.path == lies)
    facts = {
        "sealed_at": at.isoformat(),
        "program": program,
        "python": PYTHON,
        "estate": lies,
        "estate_sha256": digest,
        "wheels": wheels,
    }
    return complete(parts, facts)


def seal(entries: Sequence[Entry], to: Path, lock: Lock, at: datetime, check: Key | None) -> Sealed:
    """Write the encrypted kit, open what was written, and only then give it its name.

    Args:
        entries: From `gather`.
        to: The file; an older one is replaced at the very end.
        lock: To whom it is encrypted.
        at: Time of the sealing.
        check: A key to open it with; None with public keys alone, when nobody here can.

    Raises:
        VerificationFailed: What was written does not hold what it should; nothing is left of it.
    """
    closed = lock.close(pack(entries, at))
    fresh = to.with_name(f".{to.name}.new")
    try:
        _write_private(fresh, closed)
        _prove(fresh, closed, entries, check)
        fresh.replace(to)
    except OSError as error:
        raise ConfigurationError(
            f"file {to}", f"cannot be written ({error.strerror})", "name another place: --to FILE"
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    sha256 = hashlib.sha256(closed).hexdigest()
    program = str(manifest_of(entries)["program"])
    return Sealed(to, sha256, len(closed), len(entries), program, opened=check is not None)


def read(file: Path, key: Key) -> tuple[Entry, ...]:
    """Return all files of a kit once everything about it is right.

    Raises:
        NotFound: There is no such file.
        AuthenticationFailed: Another key or passphrase.
        DamagedData: It was changed or cut off, or is no kit.
    """
    try:
        closed = file.read_bytes()
    except OSError as error:
        hint = f"look at it: ls -l {file}"
        raise NotFound(f"file {file}", f"cannot be read ({error.strerror})", hint) from error
    return unpack(key.open(closed))


def unfold(entries: Sequence[Entry], folder: Path) -> None:
    """Write a kit's files into a new folder that only its owner may enter: all or nothing.

    Raises:
        ConfigurationError: The folder is not empty, or cannot be made.
    """
    if folder.is_symlink() or (folder.exists() and not _is_empty(folder)):
        raise ConfigurationError(
            f"folder {folder}", "is there and not empty", "name a new one: --into FOLDER"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for each in entries:
                path = fresh / each.path
                for above in reversed(path.relative_to(fresh).parents[:-1]):
                    (fresh / above).mkdir(mode=0o700, exist_ok=True)
                _write_private(path, each.content, 0o700 if each.executable else 0o600)
            fresh.rename(folder)
        except BaseException:
            shutil.rmtree(fresh)
            raise
    except OSError as error:
        raise ConfigurationError(
            f"folder {folder}", f"cannot be made ({error.strerror})", "name another: --into FOLDER"
        ) from error


def _prove(file: Path, closed: bytes, entries: Sequence[Entry], check: Key | None) -> None:
    if file.read_bytes() != closed:
        raise _unproven("is not what was written")
    if check is None:
        return
    try:
        found = read(file, check)
    except DamagedData as error:
        raise _unproven(error.cause) from error
    if list(found) != list(entries):
        raise _unproven("does not hold what was put into it")


def _unproven(cause: str) -> VerificationFailed:
    return VerificationFailed("emergency kit", cause, "check the disk, then seal again")


def _write_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
