"""Debian's Chromium without a window."""

from __future__ import annotations

import os
import signal
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from time import monotonic
from urllib.parse import urlsplit

from blocks.browsers.base import Browser
from blocks.browsers.devtools import Devtools
from blocks.errors import (
    ConfigurationError,
    ContinuityError,
    ProviderError,
    Unreachable,
    VerificationFailed,
)

INSTALL = "apt-get install chromium fonts-dejavu-core"
QUIET = (
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--disable-domain-reliability",
    "--disable-client-side-phishing-detection", "--disable-breakpad", "--disable-gpu",
    "--disable-dev-shm-usage", "--disable-features=OptimizationHints,MediaRouter,Translate",
    "--metrics-recording-only", "--no-pings", "--no-proxy-server", "--password-store=basic",
    "--use-mock-keychain", "--hide-scrollbars", "--mute-audio", "--force-color-profile=srgb",
)  # fmt: skip
"""No window, and no talk with anybody but the page's own host."""

FOOTER = (
    '<div style="font-size:7pt;width:100%;text-align:center;color:#5a6577">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)
_PIPES = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null'
"""Chromium speaks DevTools on descriptors 3 and 4."""


@dataclass(frozen=True, slots=True)
class Chromium(Browser):
    """Start a browser for each call.

    Attributes:
        program: Name or path.
        timeout: Seconds for one call, with the browser's start.
    """

    program: str = "chromium"
    timeout: float = 60

    def picture(
        self,
        url: str,
        *,
        address: str = "",
        width: int = 1280,
        height: int = 1600,
        any_certificate: bool = False,
    ) -> bytes:
        with self._page(url, _only(url, address)) as page:
            page.call("Security.setIgnoreCertificateErrors", ignore=any_certificate)
            still = {"name": "prefers-reduced-motion", "value": "reduce"}
            page.call("Emulation.setEmulatedMedia", features=[still])
            page.call(
                "Emulation.setDeviceMetricsOverride",
                width=width, height=height, deviceScaleFactor=1, mobile=False,
            )  # fmt: skip
            _go(page, url)
            return b64decode(page.call("Page.captureScreenshot", format="png")["data"])

    def pdf(self, html: str) -> bytes:
        with TemporaryDirectory(prefix="continuity-page-") as folder:
            file = Path(folder) / "page.html"
            file.write_text(html, encoding="utf-8")
            with self._page("PDF", "MAP * ~NOTFOUND") as page:
                page.call("Emulation.setScriptExecutionDisabled", value=True)
                _go(page, file.as_uri())
                printed = page.call(
                    "Page.printToPDF",
                    printBackground=True, preferCSSPageSize=True, displayHeaderFooter=True,
                    headerTemplate="<span></span>", footerTemplate=FOOTER,
                    paperWidth=8.27, paperHeight=11.69, marginTop=0.5, marginBottom=0.6,
                    marginLeft=0.5, marginRight=0.5,
                )  # fmt: skip
                return b64decode(printed["data"])

    @contextmanager
    def _page(self, subject: str, hosts: str) -> Iterator[Devtools]:
        """Give a page of a new browser; it is killed with all its children at the end."""
        program = which(self.program)
        if program is None:
            raise ConfigurationError("browser", f"there is no {self.program}", INSTALL)
        deadline = monotonic() + self.timeout
        with TemporaryDirectory(prefix="continuity-browser-", ignore_cleanup_errors=True) as home:
            log = Path(home) / "stderr"
            process = _start((program, *_flags(home, hosts)), home, log)
            if process.stdin is None or process.stdout is None:
                raise TypeError("the browser is spoken with over pipes")
            try:
                page = Devtools(process.stdout, process.stdin, deadline, subject)
                page.open_page()
                yield page
            except EOFError as ended:
                raise ProviderError(subject, f"the browser ended: {_last(log)}", INSTALL) from ended
            except ValueError as refused:
                raise ProviderError(subject, str(refused), INSTALL) from refused
            finally:
                _end(process)


def _flags(home: str, hosts: str) -> tuple[str, ...]:
    # Root has no sandbox in Chromium: it would refuse to start.
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return (*QUIET, *root, f"--user-data-dir={home}/profile", f"--host-resolver-rules={hosts}")


def _start(words: tuple[str, ...], home: str, log: Path) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    with log.open("wb") as stderr:
        return subprocess.Popen(
            ("/bin/sh", "-c", _PIPES, "sh", *words),
            env={**kept, "HOME": home, "LANG": "fr_FR.UTF-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=home,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _only(url: str, address: str) -> str:
    """Return the rules by which nothing but the URL's host is found, at this address if given.

    Raises:
        ConfigurationError: It is no URL of a page, or no address.
    """
    try:
        found = urlsplit(url)
        at = ip_address(address) if address else None
    except ValueError as error:
        raise ConfigurationError(url, str(error), "give an http or https URL") from error
    if found.scheme == "file":
        return "MAP * ~NOTFOUND"
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ConfigurationError(url, "is no page's URL", "give an http or https URL")
    hosts = found.hostname, _twin(found.hostname)
    if at is None:
        return ", ".join(("MAP * ~NOTFOUND", *(f"EXCLUDE {each}" for each in hosts)))
    shown = f"[{at}]" if at.version == 6 else str(at)
    return ", ".join((*(f"MAP {each} {shown}" for each in hosts), "MAP * ~NOTFOUND"))


def _twin(host: str) -> str:
    """Return the host with `www.` or without: a site leads from one to the other."""
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


def _go(page: Devtools, url: str) -> None:
    """Load the page and wait until it and its fonts are there."""
    page.call("Page.enable")
    page.call("Page.setLifecycleEventsEnabled", enabled=True)
    went = page.call("Page.navigate", url=url)
    if went.get("errorText"):
        raise _not_shown(url, str(went["errorText"]))
    loader = went["loaderId"]
    page.wait("Page.lifecycleEvent", lambda e: e["name"] == "load" and e.get("loaderId") == loader)
    page.call(
        "Runtime.evaluate", expression="document.fonts.ready.then(() => 1)", awaitPromise=True
    )


def _not_shown(url: str, error: str) -> ContinuityError:
    if error.startswith("net::ERR_CERT_"):
        return VerificationFailed(url, error, "look at the site's certificate: continuity status")
    return Unreachable(url, error, "look whether the site answers there")


def _last(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "without a word")[:300]
