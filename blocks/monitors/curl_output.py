"""Build the command line of curl for one look, and understand what it gives back. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from blocks.errors import ProviderError
from blocks.monitors.sentences import (
    LIMIT,
    X509_UNKNOWN_ISSUER,
    certificate_mistake,
    decoded,
    judge_page,
    status_sentence,
)
from blocks.types import SmokeCheck, SmokeResult

LOOK = 'limit=$1; shift; curl "$@" | head -c "$limit"'
"""Ends curl when enough of the page was read; what is left of its output is on stderr."""

_MARK = "@@ continuity-look @@"
_REASON = re.compile(r"^\* connect to .* failed: (.+?)\r?$", re.MULTILINE)
_EXPIRES = re.compile(r"^Expire date:(.+)$", re.MULTILINE)
_FORGED = re.compile(r"\(OUT\), TLS alert, (decrypt error|bad certificate|unknown CA)")
"""A certificate in a known authority's name, signed by another key, ends as any TLS error."""
_OTHER_HOST = re.compile("subject name|not match", re.IGNORECASE)

# Exit codes, as in curl's manual page.
_NO_CONNECTION, _WRITE_ERROR, _TOO_LATE, _TLS, _NO_ANSWER, _LOST, _UNTRUSTED = (
    7,
    23,
    28,
    35,
    52,
    56,
    60,
)


def curl_words(
    check: SmokeCheck, address: str, *, own_authorities: bool, wait: float
) -> tuple[str, ...]:
    """Return the words for `LOOK`: how much of the page is read, then curl's own.

    With `own_authorities`, curl reads the trusted authorities from standard input.
    """
    url = urlsplit(check.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    target = f"[{address}]" if ":" in address else address
    return (
        str(LIMIT if check.contains else 0),
        # First, so that no file of the account changes what is done.
        "--disable",
        *("--silent", "--verbose", "--http1.1", "--globoff", "--path-as-is"),
        *("--proto", "=http,https", "--noproxy", "*"),
        *("--max-time", f"{wait:g}", "--resolve", f"{url.hostname}:{port}:{target}"),
        *("--user-agent", "continuity-probe", "--header", "Cache-Control: no-cache"),
        # Without a path: curl would trust that machine's authorities besides.
        *(("--cacert", "/dev/stdin", "--capath", "/dev/null") if own_authorities else ()),
        *("--write-out", f"%{{stderr}}\n{_MARK}%{{json}}\n{_MARK}%{{header_json}}"),
        *("--", check.url),
    )


def seen_by_curl(
    check: SmokeCheck, address: str, page: bytes, told: str, wait: float
) -> SmokeResult:
    """Return what was seen, in the words of every probe.

    Raises:
        ProviderError: curl did not run to its end: nothing was seen.
    """
    parts = told.split(_MARK)
    try:
        facts, headers = json.loads(parts[-2]), json.loads(parts[-1])
    except (IndexError, ValueError) as error:
        last = told.strip().splitlines()[-1:] or ["it said nothing"]
        hint = "curl 7.88 or newer is needed there: curl --version"
        raise ProviderError("curl on the witness", last[0][:200], hint) from error
    code, status = int(facts["exitcode"]), int(facts["http_code"])
    host = urlsplit(check.url).hostname or ""
    took = float(facts["time_total"])
    if status and code != _TOO_LATE:
        passed, observed = _judged(check, status, headers, page)
        return SmokeResult(check, address, passed, observed, took, _until(facts), answered=True)
    forged = code == _TLS and bool(_FORGED.search(parts[0]))
    refused = code == _UNTRUSTED or forged
    observed = _failure(code, facts, parts[0], host, wait)
    if forged:
        observed = certificate_mistake(min(X509_UNKNOWN_ISSUER), host, "")
    until = None if refused else _until(facts)
    return SmokeResult(check, address, False, observed, took, until, answered=refused)


def _judged(
    check: SmokeCheck, status: int, headers: Mapping[str, list[str]], page: bytes
) -> tuple[bool, str]:
    first = {name: values[0] for name, values in headers.items() if values}
    said = status_sentence(status, first.get("server", ""), first.get("location", ""))
    return judge_page(check, status, said, decoded(page, _charset(first.get("content-type", ""))))


def _charset(content_type: str) -> str:
    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_charset() or ""


def _failure(code: int, facts: Mapping[str, Any], told: str, host: str, wait: float) -> str:
    message = str(facts["errormsg"] or "")
    if code == _UNTRUSTED and _OTHER_HOST.search(message):
        return f"certificate does not cover {host}"
    if code == _UNTRUSTED:
        return certificate_mistake(int(facts["ssl_verify_result"]), host, message)
    reason = (_REASON.findall(told) or [message])[-1].lower()
    words = {
        _TOO_LATE: f"no answer within {wait:g} s",
        _NO_CONNECTION: reason if reason == "connection refused" else f"no connection: {reason}",
        _TLS: f"no TLS connection ({message.rpartition(':')[2].strip() or 'unknown reason'})",
        _NO_ANSWER: "connection closed before an answer came",
        _LOST: "connection closed before an answer came",
    }
    return words.get(code) or f"no proper HTTP answer ({message or f'curl {code}'})"


def _until(facts: Mapping[str, Any]) -> datetime | None:
    """Return when the first certificate of the chain, the site's own, ends."""
    found = _EXPIRES.search(str(facts.get("certs") or ""))
    if not found:
        return None
    return datetime.strptime(found[1].strip(), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
