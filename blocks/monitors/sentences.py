"""What a look at a page means, in the words that every probe uses. Pure."""

from __future__ import annotations

import html

from blocks.types import SmokeCheck

LIMIT = 2 * 2**20
"""Bytes of a page that are read; the text must be among them."""

X509_EXPIRED, X509_NOT_YET_VALID = 10, 9
X509_OTHER_HOST = {62, 64}
X509_UNKNOWN_ISSUER = {2, 7, 18, 19, 20, 21}


def status_sentence(status: int, server: str, location: str) -> str:
    """Return what the first lines of an answer say: `HTTP 502 from nginx`."""
    name = server.split("/", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    text = f"HTTP {status}" + (f" from {name}" if name else "")
    return f"{text}, redirects to {location}" if location else text


def judge_page(check: SmokeCheck, status: int, said: str, page: str) -> tuple[bool, str]:
    """Return whether the answer is what must be there, and what was seen.

    Args:
        check: What must be there.
        status: HTTP status of the answer.
        said: The answer's `status_sentence`.
        page: Its text, "" when the check wants none.
    """
    if status != check.status:
        return False, f"{said}, expected {check.status}"
    if check.contains and not _holds(page, check.contains):
        return False, f"{said}, but the text '{check.contains}' is not on the page"
    return True, f"{said} with the expected text" if check.contains else said


def decoded(content: bytes, charset: str) -> str:
    """Return a page's text; a charset that nobody knows is taken as UTF-8."""
    try:
        return content.decode(charset or "utf-8", errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def certificate_mistake(code: int, host: str, message: str) -> str:
    """Return why a certificate is refused, from OpenSSL's X509_V_ERR number and its message."""
    if code in X509_OTHER_HOST:
        return f"certificate does not cover {host}"
    if code == X509_EXPIRED:
        return f"certificate of {host} has expired"
    if code == X509_NOT_YET_VALID:
        return f"certificate of {host} is not valid yet"
    if code in X509_UNKNOWN_ISSUER:
        return f"certificate of {host} is not from a trusted authority"
    return f"certificate of {host} is refused: {message}"


def _holds(page: str, text: str) -> bool:
    # A page may write its accents as entities.
    return text in page or text in html.unescape(page)
