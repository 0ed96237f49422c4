"""What is known of an emergency kit without opening it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SealedKit:
    """One sealing of the kit, as noted for one server.

    Attributes:
        fingerprint: Keyed digest of the server's blocks with all their secrets, as they were.
        opened: Whether the kit was opened again after it was written, and compared.
        file: Name of the encrypted file, without its folder.
        sha256: Of the encrypted file, to know a copy by.
        size: Of the encrypted file, in bytes.
        program: Commit of the program in it, "" if unknown.
    """

    server: str
    sealed_at: datetime
    fingerprint: str
    opened: bool
    file: str
    sha256: str
    size: int
    program: str
