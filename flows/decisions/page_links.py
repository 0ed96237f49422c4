"""Decide which links of a page are followed, and what their answers say of a restore."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

FOLLOWED = 40
"""Links of a page, at most: what the page needs to look right first, then where it leads."""
_NEEDS = {"link": "href", "script": "src", "img": "src", "source": "src", "video": "src"}
_LINKED = ("stylesheet", "icon", "preload", "manifest")


class _Page(HTMLParser):
    """What a page refers to, and whether it asks for a password."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.base = ""
        self.needs: list[str] = []
        self.leads: list[str] = []
        self.password = False
        self._forms = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = found.get("href", "")
        elif tag == "a" and "href" in found:
            self.leads.append(found["href"])
        elif tag == "form":
            self._forms += 1
        elif tag == "input" and self._forms and found.get("type", "").lower() == "password":
            self.password = True
        elif tag in _NEEDS and _is_needed(tag, found):
            self.needs.append(found.get(_NEEDS[tag], ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._forms = max(self._forms - 1, 0)


def _is_needed(tag: str, found: Mapping[str, str]) -> bool:
    return tag != "link" or any(each in found.get("rel", "").lower() for each in _LINKED)


def _read(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page


def links_of(
    text: str, url: str, hosts: Collection[str], ignored: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the URLs to follow from a page, each once, at most `FOLLOWED`.

    Args:
        text: The page.
        url: Where it was found.
        hosts: The site's own names: nothing else is followed.
        ignored: Parts of URLs that are not followed.
    """
    page = _read(text)
    base = urljoin(url, page.base)
    found: dict[str, None] = {}
    for reference in (*page.needs, *page.leads):
        link = _absolute(base, reference.strip())
        if link and link != url and urlsplit(link).hostname in hosts:
            found[link] = None
    kept = (each for each in found if not any(part in each for part in ignored))
    return tuple(kept)[:FOLLOWED]


def _absolute(base: str, reference: str) -> str:
    """Return an absolute http(s) URL without its fragment, "" if there is none."""
    try:
        link = urldefrag(urljoin(base, reference)).url
        known = urlsplit(link).scheme in ("http", "https")
    except ValueError:  # such as http://[
        return ""
    return link if reference and known else ""


def asks_for_password(text: str) -> bool:
    """Return whether a page has a form with a password field."""
    return _read(text).password


@dataclass(frozen=True, slots=True)
class LinkFindings:
    """What the links of a page said.

    Attributes:
        followed: How many.
        broken: What is broken on the new machine and not in production, as `URL: seen`.
        broken_before: What is broken in production too.
        uncertain: What is broken, while production did not answer at all.
    """

    followed: int
    broken: tuple[str, ...] = ()
    broken_before: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A link's answer: its status, 0 for none, and what was seen."""

    status: int
    observed: str

    @property
    def good(self) -> bool:
        """Whether a visitor would get something."""
        return 0 < self.status < 400


def judge_links(new: Mapping[str, Answer], before: Mapping[str, Answer]) -> LinkFindings:
    """Compare the links' answers on the new machine with production's to the broken ones.

    Args:
        new: By URL, all that were followed.
        before: By URL, what production answered to those that are broken on the new machine.
    """
    broken: list[str] = []
    known: list[str] = []
    uncertain: list[str] = []
    for url, answer in new.items():
        if answer.good:
            continue
        then = before.get(url)
        said = f"{url} : {answer.observed}"
        if then is None or then.status == 0:
            uncertain.append(said)
        else:
            (broken if then.good else known).append(said)
    return LinkFindings(len(new), tuple(broken), tuple(known), tuple(uncertain))
