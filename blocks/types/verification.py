"""What was read, compared and proven of the backups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

NAMES = 256
"""Data objects are told apart by the first byte of their name, which is a checksum."""


@dataclass(frozen=True, slots=True)
class SliceRead:
    """One reading of all data objects whose name's first byte, modulo `of`, is `number` - 1.

    Attributes:
        bytes: Bytes of these objects; the repository's indexes and directories come on top.
        total: Bytes of all data objects of the repository.
        damaged: Keys of damaged or missing objects, also of other slices if they stood out.
        complete: Whether every object of the slice was read; damage elsewhere may prevent it.
    """

    number: int
    of: int
    objects: int
    bytes: int
    total: int
    damaged: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A regular file in a snapshot. `changed` is its ctime: nobody can set it back."""

    path: str
    size: int
    changed: datetime


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A regular file on a server, as it is now."""

    sha256: str
    changed: datetime


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged object and the snapshots that cannot be restored without it."""

    key: str
    snapshots: tuple[str, ...]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """Some files of one set compared with the living server.

    Attributes:
        population: Files among which the sample was drawn.
        changed: Sampled files that the server changed or removed after the backup.
        unexplained: Paths whose content differs though the server has not touched them since.
    """

    set_id: str
    at: datetime
    population: int
    sampled: int
    changed: int
    unexplained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the rolling verification of one server's repository is.

    Attributes:
        began_at: When it began: what was never read since then counts from here.
        read_at: For each first byte of a name, when all such objects were last read.
        bytes: Bytes read since it began.
        total: Bytes of the whole repository when it was last looked at.
        damaged: Damage that no later reading found mended.
    """

    server: str
    began_at: datetime
    read_at: tuple[datetime | None, ...] = (None,) * NAMES
    bytes: int = 0
    total: int = 0
    damaged: tuple[Damage, ...] = ()
    spot: SpotCheck | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a restore of one set showed, compared with its manifest.

    Attributes:
        incident: The recovery or drill that restored it.
        tables: Tables whose rows were compared; so for `rows`, `files` and `bytes`.
        differences: Why the set failed; a proof without any is a success.
    """

    server: str
    set_id: str
    incident: str
    at: datetime
    tables: int = 0
    rows: int = 0
    files: int = 0
    bytes: int = 0
    differences: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything that was restored is what the manifest says."""
        return not self.differences
