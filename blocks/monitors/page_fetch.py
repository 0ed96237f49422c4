"""Fetch one page from one address and say in a sentence what was seen."""

from __future__ import annotations

import html
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

from blocks.types import SmokeCheck, SmokeResult

LIMIT = 2 * 2**20
"""Bytes of a page that are read; the text must be among them."""

X509_EXPIRED, X509_NOT_YET_VALID = 10, 9
X509_OTHER_HOST = {62, 64}
X509_UNKNOWN_ISSUER = {2, 7, 18, 19, 20, 21}


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
    try:
        passed, observed = _look(check, url, address, ca_file, began + timeout, until)
    except ssl.SSLError as error:
        passed, observed = False, _tls_mistake(error, url.hostname or "")
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
    return SmokeResult(check, address, passed, observed, seconds, *until)


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
        if response.status != check.status:
            return False, f"{status}, expected {check.status}"
        if check.contains and not _holds(_body(response), check.contains):
            return False, f"{status}, but the text '{check.contains}' is not on the page"
        return True, f"{status} with the expected text" if check.contains else status


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
    server = (response.getheader("Server") or "").split("/")[0].split(" ")[0]
    text = f"HTTP {response.status}" + (f" from {server}" if server else "")
    location = response.getheader("Location")
    return f"{text}, redirects to {location}" if location else text


def _body(response: HTTPResponse) -> str:
    content = response.read(LIMIT)
    charset = response.headers.get_content_charset() or "utf-8"
    try:
        return content.decode(charset, errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def _holds(page: str, text: str) -> bool:
    # A page may write its accents as entities.
    return text in page or text in html.unescape(page)


def _tls_mistake(error: ssl.SSLError, host: str) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"no TLS connection ({(error.reason or 'unknown reason').lower().replace('_', ' ')})"
    code = error.verify_code
    if code in X509_OTHER_HOST:
        return f"certificate does not cover {host}"
    if code == X509_EXPIRED:
        return f"certificate of {host} has expired"
    if code == X509_NOT_YET_VALID:
        return f"certificate of {host} is not valid yet"
    if code in X509_UNKNOWN_ISSUER:
        return f"certificate of {host} is not from a trusted authority"
    return f"certificate of {host} is refused: {error.verify_message}"
