"""Keep the recovery document beside the journal, with the record of what changed in the estate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from blocks import registry
from blocks.browsers.chromium import Chromium
from blocks.errors import ContinuityError, DamagedData, NotFound
from blocks.repositories.base import ObjectStore
from blocks.repositories.mirrored import MirroredObjects
from flows.decisions.pra import Pra, Version
from flows.decisions.pra_changes import digest, estate_facts, record
from flows.reports.pra_html import pra_html
from flows.reports.pra_text import pra_markdown
from flows.tasks.incident import open_estate
from flows.tasks.pra_facts import gather
from flows.tasks.work import work

RECORD = "pra/versions.json"
MARKDOWN, HTML, PDF = "pra/document.md", "pra/document.html", "pra/document.pdf"
UNREAD_RECORD = "versions précédentes illisibles au moment où ce document a été établi"


@dataclass(frozen=True, slots=True)
class Written:
    """The document, written out.

    Attributes:
        lost: Stores that did not take it, and why.
    """

    pra: Pra
    markdown: str
    html: str
    lost: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Record:
    """The change record as it is kept: all versions, and the facts of the last one."""

    versions: tuple[Version, ...]
    facts: dict[str, str]


_record = TypeAdapter(_Record)


@work("pra", retries=0)
def keep_document(*, subject: str = "") -> Written:
    """Write the document anew and keep it in every repository's journal store."""
    store, pra = _stores(), gather()
    written = _written(_versioned(pra, _known(store)))
    store.put(MARKDOWN, written.markdown.encode())
    store.put(HTML, written.html.encode())
    kept = _Record(written.pra.versions, estate_facts(written.pra))
    store.put(RECORD, _record.dump_json(kept, indent=1))
    return replace(written, lost=store.lost)


@work("print", retries=0)
def keep_printed(written: Written, *, subject: str = "") -> None:
    """Print the document and keep it beside the other forms.

    Raises:
        ConfigurationError: There is no browser; the other forms are kept all the same.
    """
    _stores().put(PDF, Chromium().pdf(written.html))


def write_document() -> Written:
    """Return the document as things are now, and keep nothing.

    It is made without the change record where that cannot be read: whom to call is known all the
    same.
    """
    pra = gather()
    try:
        return _written(_versioned(pra, _known(_stores())))
    except ContinuityError:  # the document says so, and which command tells why
        present = Version(pra.at, digest(estate_facts(pra)), (UNREAD_RECORD,))
        return _written(replace(pra, versions=(present,), unread=True))


def _versioned(pra: Pra, known: _Record) -> Pra:
    versions = record(known.versions, known.facts, estate_facts(pra), pra.at)
    return replace(pra, versions=versions)


def _written(pra: Pra) -> Written:
    markdown = pra_markdown(pra)
    return Written(pra, markdown, pra_html(pra, markdown), {})


def _known(store: ObjectStore) -> _Record:
    """Return the change record, an empty one if there is none yet.

    Raises:
        DamagedData: It cannot be read; nothing was changed.
    """
    try:
        return _record.validate_json(store.get(RECORD))
    except NotFound:
        return _Record((), {})
    except ValidationError as error:
        hint = "restore the object's earlier version in the bucket"
        raise DamagedData(RECORD, "is no change record", hint) from error


def _stores() -> MirroredObjects:
    """Return one store over the journals of all repositories of the estate."""
    found: dict[str, ObjectStore] = {}
    for name in registry.names("protected-server"):
        found |= open_estate(name).states()
    return MirroredObjects.of(found)
