"""Read MariaDB's binary log far enough to find transactions. Pure.

Format: https://mariadb.com/kb/en/2-binlog-event-header/ and the pages beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.errors import DamagedData

MAGIC = b"\xfebin"
_HEADER = struct.Struct("<IBIIIH")
_QUERY, _FORMAT, _XID, _XA_PREPARE, _GTID, _GTID_LIST = 2, 15, 16, 38, 162, 163
_COMPRESSED_QUERY = 165
_STANDALONE, _COMPLETED_XA = 1, 128
_KEPT = {_QUERY, _FORMAT, _GTID, _GTID_LIST}
_LONGEST_TEXT = 65536


@dataclass(frozen=True, slots=True)
class Gtid:
    """The number of a transaction."""

    domain: int
    server: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.domain}-{self.server}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One complete transaction (or statement outside of one) of a log.

    Attributes:
        start: Offset of its first byte.
        end: Offset behind its last byte.
        at: When it was written, in whole seconds.
        statements: Texts of its statements, as far as the log holds texts.
    """

    gtid: Gtid
    start: int
    end: int
    at: datetime
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogHead:
    """What a log says at its beginning: the newest transaction of each domain before it."""

    gtids: tuple[Gtid, ...]


def transactions(pieces: Iterable[bytes], subject: str) -> Iterator[LogHead | Transaction]:
    """Yield the head, then every transaction that is there to its end.

    Raises:
        DamagedData: The bytes are no binary log.
    """
    source = _Source(pieces)
    if source.take(len(MAGIC)) != MAGIC:
        raise _damaged(subject, "does not begin like a binary log")
    checksum = 0
    open_: _Open | None = None
    while (head := source.take(_HEADER.size)) is not None:
        when, kind, server, size, _, _ = _HEADER.unpack(head)
        if size < _HEADER.size:
            raise _damaged(subject, f"holds no event at {source.offset - _HEADER.size}")
        start, length = source.offset - _HEADER.size, size - _HEADER.size
        body = source.take(min(length, _LONGEST_TEXT)) if kind in _KEPT else b""
        if body is None or not source.skip(start + size):
            return
        if kind == _FORMAT:
            checksum = 4 if body[-5] == 1 else 0
        elif kind == _GTID_LIST:
            yield LogHead(_gtids(body))
        elif kind == _GTID:
            sequence, domain, flags = struct.unpack_from("<QIB", body)
            at = datetime.fromtimestamp(when, UTC)
            open_ = _Open(Gtid(domain, server, sequence), start, at, flags, [])
        elif open_ is not None:
            text = _text(body, length, checksum) if kind == _QUERY else ""
            open_.statements += [text] if text not in ("", "BEGIN", "COMMIT") else []
            if open_.ends_with(kind, text):
                yield open_.closed(source.offset)
                open_ = None


@dataclass(slots=True)
class _Open:
    gtid: Gtid
    start: int
    at: datetime
    flags: int
    statements: list[str]

    def ends_with(self, kind: int, text: str) -> bool:
        if kind in (_XID, _XA_PREPARE) or text in ("COMMIT", "ROLLBACK"):
            return True
        alone = self.flags & (_STANDALONE | _COMPLETED_XA)
        # A statement of its own may be led by its variables (INTVAR, RAND, USER_VAR).
        return bool(alone) and kind in (_QUERY, _COMPRESSED_QUERY)

    def closed(self, end: int) -> Transaction:
        return Transaction(self.gtid, self.start, end, self.at, tuple(self.statements))


class _Source:
    """Bytes that come in pieces of any length, with the offset of the next one."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.offset = 0
        self._pieces = iter(pieces)
        self._held = b""
        self._at = 0

    def take(self, count: int) -> bytes | None:
        """Return the next bytes, None if so many are not left."""
        while len(self._held) - self._at < count:
            more = next(self._pieces, None)
            if more is None:
                return None
            self._held = self._held[self._at :] + more
            self._at = 0
        taken = self._held[self._at : self._at + count]
        self._at += count
        self.offset += count
        return taken

    def skip(self, offset: int) -> bool:
        """Go on to an offset; return whether so many bytes are there."""
        left = offset - self.offset
        while left > len(self._held) - self._at:
            left -= len(self._held) - self._at
            more = next(self._pieces, None)
            if more is None:
                return False
            self._held, self._at = more, 0
        self._at += left
        self.offset = offset
        return True


def _gtids(body: bytes) -> tuple[Gtid, ...]:
    (count,) = struct.unpack_from("<I", body)
    found = (struct.unpack_from("<IIQ", body, 4 + 16 * n) for n in range(count & 0x0FFFFFFF))
    return tuple(Gtid(domain, server, sequence) for domain, server, sequence in found)


def _text(body: bytes, length: int, checksum: int) -> str:
    """Return the statement of a query event; of a very long one, its beginning."""
    names, variables = body[8], struct.unpack_from("<H", body, 11)[0]
    end = len(body) - checksum if len(body) == length else len(body)
    return body[13 + variables + names + 1 : end].decode(errors="replace")


def _damaged(subject: str, cause: str) -> DamagedData:
    return DamagedData(subject, cause, "recover to an earlier moment: continuity recover --at TIME")
