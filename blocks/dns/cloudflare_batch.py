"""Which operations of one batch make Cloudflare's records what a change wants. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blocks.dns.changes import canonical

Entry = Mapping[str, Any]
"""One record of Cloudflare's: id, name, type, content, ttl, proxied, comment, tags, settings."""

AUTOMATIC = 1
"""The TTL by which Cloudflare says that it chooses; a proxied record has no other."""
SERVED_AUTOMATIC = 300
"""What is served for it, and what octoDNS reads in its place."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one name and type must hold; no addresses remove it."""

    name: str
    type: str
    values: tuple[str, ...]
    ttl: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction: it is carried out as a whole or not at all."""

    deletes: tuple[Entry, ...] = ()
    patches: tuple[Entry, ...] = ()
    posts: tuple[Entry, ...] = ()

    def with_change(self, entries: Sequence[Entry], wanted: Wanted, least_ttl: int) -> Batch:
        """Return it with what leads from these records of one name and type to the wanted ones.

        A record is patched, not replaced, and named fields alone change: `proxied`, comment, tags
        and settings stay. The TTL of a proxied record is never touched.
        """
        held = {address: entry for entry in entries for address in canonical([entry["content"]])}
        gone = [held[address] for address in sorted(held.keys() - set(wanted.values))]
        new = sorted(set(wanted.values) - held.keys())
        ttl = max(wanted.ttl, least_ttl)
        moved = [
            {"id": entry["id"], "content": address, **_ttl(entry, ttl)}
            for entry, address in zip(gone, new, strict=False)
        ]
        kept = [held[address] for address in sorted(held.keys() & set(wanted.values))]
        aged = [{"id": each["id"], **_ttl(each, ttl)} for each in kept if _ttl(each, ttl)]
        made = [_made(wanted, address, ttl, entries) for address in new[len(gone) :]]
        left = [{"id": entry["id"]} for entry in gone[len(new) :]]
        return Batch((*self.deletes, *left), (*self.patches, *moved, *aged), (*self.posts, *made))

    def body(self) -> dict[str, list[Entry]]:
        """Return it as the API takes it."""
        lists = {"deletes": self.deletes, "patches": self.patches, "posts": self.posts}
        return {name: list(entries) for name, entries in lists.items() if entries}


def packed(weights: Iterable[int], limit: int) -> Iterator[slice]:
    """Cut a row of changes, each with so many operations, into as few batches as hold them."""
    start = stop = total = 0
    for weight in weights:
        if total + weight > limit and stop > start:
            yield slice(start, stop)
            start, total = stop, 0
        stop, total = stop + 1, total + weight
    if stop > start:
        yield slice(start, stop)


def same(before: Sequence[Entry], now: Sequence[Entry]) -> bool:
    """Say whether records still are what they were in all that a change depends on."""
    return sorted(map(_essence, before)) == sorted(map(_essence, now))


def _essence(entry: Entry) -> tuple[str, str, int, bool]:
    return entry["id"], entry["content"], entry["ttl"], bool(entry.get("proxied"))


def _ttl(entry: Entry, ttl: int) -> Entry:
    """Return the field to change, or nothing when the TTL is right or Cloudflare's to choose."""
    held = entry["ttl"]
    is_right = held == ttl or (held == AUTOMATIC and ttl == SERVED_AUTOMATIC)
    return {} if entry.get("proxied") or is_right else {"ttl": ttl}


def _made(wanted: Wanted, address: str, ttl: int, siblings: Sequence[Entry]) -> Entry:
    """Return a new record; beside others of its name it is proxied as they are."""
    proxied = any(entry.get("proxied") for entry in siblings)
    return {
        "type": wanted.type,
        "name": wanted.name,
        "content": address,
        "ttl": AUTOMATIC if proxied else ttl,
        "proxied": proxied,
    }
