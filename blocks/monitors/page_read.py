"""Read one page or file from one address, for what is on it."""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from time import monotonic
from urllib.parse import urlsplit

import httpx

from blocks.types import PageRead

LIMIT = 2 * 2**20
"""Bytes of a page that are read."""


def read_page(url: str, address: str, *, ca_file: str, timeout: float) -> PageRead:
    """Return what answers there, whatever the site does; redirects are not followed.

    The address is connected to as given; Host header, SNI and certificate are the URL's. Only the
    text of an HTML page is kept.

    Args:
        url: Absolute http(s) URL.
        address: IPv4 or IPv6 address.
        ca_file: PEM file of trusted authorities, "" for the system's.
        timeout: Seconds for each wait, and for the body in all.
    """
    parts = urlsplit(url)
    try:
        at = ip_address(address)
        there = f"[{at}]" if at.version == 6 else str(at)
        port = f":{parts.port}" if parts.port else ""
        target = f"{parts.scheme}://{there}{port}{parts.path or '/'}"
        target += f"?{parts.query}" if parts.query else ""
        verify = ssl.create_default_context(cafile=ca_file or None)
        headers = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "continuity-probe"}
        extensions = {"sni_hostname": parts.hostname or ""}
        with (
            httpx.Client(verify=verify, timeout=timeout, trust_env=False) as client,
            client.stream("GET", target, headers=headers, extensions=extensions) as response,
        ):
            return PageRead(url, address, response.status_code, *_content(response, timeout))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return PageRead(url, address, 0, f"no answer ({type(error).__name__})")


def _content(response: httpx.Response, timeout: float) -> tuple[str, str]:
    """Return what was seen in a few words, and the text of an HTML page."""
    seen = f"HTTP {response.status_code}"
    if "html" not in response.headers.get("Content-Type", ""):
        return seen, ""
    deadline, body = monotonic() + timeout, b""
    for piece in response.iter_bytes():
        body += piece
        if len(body) >= LIMIT or monotonic() > deadline:
            break
    try:
        return seen, body[:LIMIT].decode(response.charset_encoding or "utf-8", errors="replace")
    except LookupError:
        return seen, body[:LIMIT].decode("utf-8", errors="replace")
