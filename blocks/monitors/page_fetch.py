"""Fetch one page from one address and say in a sentence what was seen."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from threading import Timer
from time import monotonic
from urllib.parse import SplitResult, urlsplit

from blocks.monitors.sentences import (
    LIMIT,
    certificate_mistake,
    decoded,
    judge_page,
    status_sentence,
)
from blocks.types import SmokeCheck, SmokeResult


def fetch(check: SmokeCheck, address: str, *, ca_file: str, timeout: float) -> SmokeResult:
    """Return how the page answers at this address, whatever the site does.

    The address is connected to as given; Host header, SNI and certificate are the URL's. Redirects
    are not followed, nothing is kept from one call to the next.

    Args:
        check: What must be there.
        address: IPv4 or IPv6 address.
        ca_file: PEM file of trusted authorities, "" for the system's.
        timeout: Seconds for everything together.
    """
    began = monotonic()
    url = urlsplit(check.url)
    until: list[datetime] = []
    answered = False
    try:
        passed, observed = _look(check, url, address, ca_file, began + timeout, until)
        answered = _is_address(address)
    except ssl.SSLError as error:
        passed, observed = False, _tls_mistake(error, url.hostname or "")
        answered = isinstance(error, ssl.SSLCertVerificationError)
    except ConnectionRefusedError:
        passed, observed = False, "connection refused"
    except (ConnectionResetError, BrokenPipeError, EOFError):
        passed, observed = False, "connection closed before an answer came"
    except OSError as error:
        passed, observed = False, f"no connection: {(error.strerror or str(error)).lower()}"
    except (HTTPException, ValueError) as error:
        passed, observed = False, f"no proper HTTP answer ({type(error).__name__})"
    seconds = monotonic() - began
    if not passed and seconds >= timeout:
        observed = f"no answer within {timeout:g} s"
    return SmokeResult(
        check, address, passed, observed, seconds, next(iter(until), None), answered=answered
    )


def _look(
    check: SmokeCheck,
    url: SplitResult,
    address: str,
    ca_file: str,
    deadline: float,
    until: list[datetime],
) -> tuple[bool, str]:
    """Return whether the page is as it must be, and what was seen; a certificate's end is added."""
    if not _is_address(address):
        return False, f"{address!r} is not an IP address"
    with _connected(url, address, ca_file, deadline) as stream, _cut_off(stream, deadline):
        if isinstance(stream, ssl.SSLSocket):
            stream.do_handshake()
            until.append(_end_of_certificate(stream))
        connection = HTTPConnection(url.hostname or "")
        connection.sock = stream
        connection.request("GET", _target(url), headers=_headers(url))
        response = connection.getresponse()
        status = _status(response)
        right = response.status == check.status
        page = _body(response) if check.contains and right else ""
        return judge_page(check, response.status, status, page)


def _end_of_certificate(stream: ssl.SSLSocket) -> datetime:
    shown = stream.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def _connected(url: SplitResult, address: str, ca_file: str, deadline: float) -> socket.socket:
    secure = url.scheme == "https"
    context = ssl.create_default_context(cafile=ca_file or None) if secure else None
    port = url.port or (443 if secure else 80)
    stream = socket.create_connection((address, port), timeout=max(deadline - monotonic(), 0.001))
    if context is None:
        return stream
    return context.wrap_socket(stream, server_hostname=url.hostname, do_handshake_on_connect=False)


@contextmanager
def _cut_off(stream: socket.socket, deadline: float) -> Iterator[None]:
    """End the connection at the deadline: a byte now and then resets a socket's own timeout."""

    def end() -> None:
        with suppress(OSError):
            # Not the method of a TLS socket, which would take its state from under the reader.
            socket.socket.shutdown(stream, socket.SHUT_RDWR)

    timer = Timer(max(deadline - monotonic(), 0), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _is_address(text: str) -> bool:
    """Return whether it is an address: a name would be looked up by the system's resolver."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _headers(url: SplitResult) -> dict[str, str]:
    return {
        "Host": url.netloc.rpartition("@")[2],
        "User-Agent": "continuity-probe",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Cache-Control": "no-cache",
        "Connection": "close",
    }


def _target(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def _status(response: HTTPResponse) -> str:
    server, location = response.getheader("Server") or "", response.getheader("Location") or ""
    return status_sentence(response.status, server, location)


def _body(response: HTTPResponse) -> str:
    return decoded(response.read(LIMIT), response.headers.get_content_charset() or "")


def _tls_mistake(error: ssl.SSLError, host: str) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"no TLS connection ({(error.reason or 'unknown reason').lower().replace('_', ' ')})"
    return certificate_mistake(error.verify_code, host, error.verify_message)
