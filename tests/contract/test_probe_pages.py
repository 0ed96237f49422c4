"""The part of `Probe` that reads pages, over the memory twin and a real HTTPS server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.contract.authority import Authority
from tests.contract.https_site import resolver, site
from tests.contract.test_probes import ALIAS, HERE, HOST, THERE, InMemory, Real, SiteUnderTest


@pytest.fixture
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    with site(authority.issue(HOST, ALIAS), HERE) as (port, answers), resolver() as names:
        yield Real(port, answers, names, authority)


@pytest.fixture(params=["memory", "http"])
def here(request: pytest.FixtureRequest) -> SiteUnderTest:
    found: SiteUnderTest = (
        request.getfixturevalue("real") if request.param == "http" else InMemory()
    )
    return found


def test_reads_a_page_for_what_is_on_it(here: SiteUnderTest) -> None:
    here.write("<h1>Dernière commande : 4711</h1>")
    page = here.probe.page(here.check.url, HERE)
    assert (page.url, page.address, page.status) == (here.check.url, HERE, 200)
    assert "Dernière commande" in page.text


def test_a_page_that_nobody_serves_has_no_status(here: SiteUnderTest) -> None:
    page = here.probe.page(here.check.url, THERE)
    assert (page.status, page.text) == (0, "")
    assert page.observed.startswith("no answer (")


def test_a_page_is_read_with_its_own_name_and_a_certificate_that_fits(real: Real) -> None:
    real.probe.page(real.check.url, HERE)
    assert real.answers.hosts == [f"{HOST}:{real.port}"]
    assert real.answers.server_names == [HOST]
    other = real.check.url.replace(HOST, "autre.atelier.test")
    assert real.probe.page(other, HERE).status == 0, "the certificate does not cover it"


def test_only_the_text_of_html_is_read_and_redirects_are_not_followed(real: Real) -> None:
    real.answers.content_type = "image/png"
    real.answers.status, real.answers.headers = 302, {"Location": "/ailleurs"}
    page = real.probe.page(real.check.url, HERE)
    assert (page.status, page.text) == (302, "")
    assert real.answers.paths == ["/"]


def test_a_page_that_trickles_is_read_as_far_as_time_allows(real: Real) -> None:
    real.answers.trickle = 0.1
    began = time.monotonic()
    page = real.block(timeout_seconds=0.5).page(real.check.url, HERE)
    assert time.monotonic() - began < 2
    assert page.status in (0, 200)
