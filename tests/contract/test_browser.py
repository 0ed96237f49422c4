"""The browser over real pages on loopback: what it shows, what it reaches, what it leaves."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from blocks.browsers.chromium import Chromium
from blocks.errors import (
    ConfigurationError,
    DeadlineExceeded,
    ProviderError,
    Unreachable,
    VerificationFailed,
)
from deployments.prices import read_prices
from flows.reports.post_incident_html import post_incident_html
from tests.contract.authority import Authority
from tests.contract.https_site import closed_port, site
from tests.unit.incident_samples import ACTION, facts

ROOT = Path(__file__).resolve().parents[2]
GREEN = "<style>body{margin:0;background:rgb(0,128,0)}</style>"
NAME = "boutique.atelier.test"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Fail when a call leaves a process of its browser behind."""
    yield
    left = [
        each
        for each in Path("/proc").glob("[0-9]*/cmdline")
        if b"continuity-browser-" in (each.read_bytes() if each.exists() else b"")
        and b"--headless=new" in each.read_bytes()
    ]
    assert left == []


def pixel(png: bytes) -> tuple[tuple[int, int], object]:
    """Return the size of a picture and the colour in its middle."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return image.size, image.getpixel((image.width // 2, image.height // 2))


def test_a_site_is_seen_on_a_machine_that_no_name_leads_to_yet(tmp_path: Path) -> None:
    certificate = Authority(tmp_path).issue(NAME)
    with (
        site(None, "127.0.0.1") as (elsewhere, foreign),
        site(certificate, "127.0.0.1") as (
            port,
            answers,
        ),
    ):
        answers.body = (
            f"{GREEN}<img src='https://127.0.0.1:{port}/no.png'>"
            f"<img src='http://127.0.0.1:{elsewhere}/no.png'>"
        ).encode()
        url = f"https://{NAME}:{port}/accueil"
        with pytest.raises(VerificationFailed, match="ERR_CERT_AUTHORITY_INVALID"):
            Chromium().picture(url, address="127.0.0.1")
        shown = Chromium().picture(
            url, address="127.0.0.1", width=640, height=480, any_certificate=True
        )
    assert pixel(shown) == ((640, 480), (0, 128, 0))
    assert answers.paths[0] == "/accueil"
    assert set(answers.server_names) == {NAME}
    assert set(answers.hosts) == {f"{NAME}:{port}"}
    assert foreign.paths == [], "nothing but the page's own host is reached"


def test_a_page_of_an_error_is_shown_as_it_is() -> None:
    with site(None, "127.0.0.1") as (port, answers):
        answers.status, answers.body = 500, GREEN.encode()
        assert pixel(Chromium().picture(f"http://127.0.0.1:{port}/"))[1] == (0, 128, 0)


@pytest.mark.parametrize(("asked", "led"), [(NAME, f"www.{NAME}"), (f"www.{NAME}", NAME)])
def test_a_site_may_lead_to_its_name_with_or_without_www(asked: str, led: str) -> None:
    with site(None, "127.0.0.1") as (second, shown), site(None, "127.0.0.1") as (first, answers):
        shown.body = GREEN.encode()
        answers.status, answers.headers = 301, {"Location": f"http://{led}:{second}/"}
        png = Chromium().picture(f"http://{asked}:{first}/", address="127.0.0.1")
    assert pixel(png)[1] == (0, 128, 0)
    assert shown.hosts[0] == f"{led}:{second}"


def test_where_nothing_answers_there_is_no_picture() -> None:
    with pytest.raises(Unreachable, match="ERR_CONNECTION_REFUSED"):
        Chromium().picture(f"http://127.0.0.1:{closed_port()}/")


def test_a_server_that_hangs_is_given_up_in_time() -> None:
    # The kernel takes the connection; nobody ever says a word on it.
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeadlineExceeded):
        Chromium(timeout=3).picture(f"http://127.0.0.1:{silent.getsockname()[1]}/")


@pytest.mark.parametrize(
    ("url", "address"), [("ftp://a.test/", ""), ("http:///x", ""), ("http://a.test/", "b.test")]
)
def test_what_is_no_page_is_refused(url: str, address: str) -> None:
    with pytest.raises(ConfigurationError):
        Chromium().picture(url, address=address)


def test_a_missing_browser_says_what_to_install() -> None:
    with pytest.raises(ConfigurationError, match="apt-get install chromium"):
        Chromium(program="no-such-browser").pdf("<p>")


def test_a_browser_that_ends_at_once_tells_its_last_words(tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'no display here' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(ProviderError, match="no display here"):
        Chromium(program=str(broken)).pdf("<p>")


def test_the_report_of_an_incident_is_seen_and_printed() -> None:
    page = post_incident_html(facts(read_prices()[0], actions=(ACTION,)))
    folder = ROOT / "var" / "rapport"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rapport.html").write_text(page, encoding="utf-8")
    shown = Chromium().picture((folder / "rapport.html").as_uri(), width=1200, height=2200)
    (folder / "rapport.png").write_bytes(shown)
    image = Image.open(io.BytesIO(shown)).convert("RGB")
    seen = {colour for _, colour in image.getcolors(2**24) or []}
    for wanted in ((0x2F, 0x6F, 0xDE), (0xE0, 0x7B, 0), (0xB3, 0x26, 0x1E), (0x1A, 0x7F, 0x4B)):
        assert wanted in seen, "files, DNS, a failure, a site that is back"
    printed = Chromium().pdf(page)
    (folder / "rapport.pdf").write_bytes(printed)
    assert 2 <= printed.count(b"/Type /Page\n") <= 6


def test_a_page_becomes_a_pdf_and_fetches_nothing() -> None:
    with site(None, "127.0.0.1") as (port, answers):
        page = f"<p>Rapport</p><img src='http://127.0.0.1:{port}/spy.png'>"
        assert Chromium().pdf(page).startswith(b"%PDF-")
    assert answers.paths == []
