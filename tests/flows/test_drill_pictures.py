"""A drill compares pictures with production, keeps them, and shows them in its page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blocks.errors import ConfigurationError, NotFound
from blocks.repositories.journal import Journal
from flows.drill import drill
from flows.tasks.drill_pictures import browsers
from flows.tasks.drill_report import drill_page
from flows.tasks.incident import open_estate
from tests.fakes.memory_browser import MemoryBrowser
from tests.flows.world import OLD, SHOP, World

FIRST, NEW = f"https://{SHOP}/", "192.0.2.1"
RED, WHITE = (200, 0, 0), (255, 255, 255)


@pytest.fixture
def browser(world: World) -> Iterator[MemoryBrowser]:
    world.back_up()
    browsers.append(MemoryBrowser())
    try:
        yield browsers[-1]  # type: ignore[misc]
    finally:
        browsers.pop()


def test_what_looks_the_same_is_green_and_kept_with_the_journal(
    world: World, browser: MemoryBrowser
) -> None:
    report = drill("web1")
    assert (report["verdict"], report["to_check"]) == ("recovered", [])
    assert report["drill"]["pictures"]["shop"] == {"difference": 0.0, "threshold": 0.25}  # type: ignore[index]
    journal = Journal(world.repository.state(), str(report["incident"]))
    for name in ("before-shop", "after-shop", "before-brochure", "after-brochure"):
        assert journal.file(f"{name}.png").startswith(b"\x89PNG")
    page = drill_page(open_estate("web1"))
    assert page.count("data:image/png;base64,") == 4
    assert page.count("<svg") == 2
    assert "0,0 % de différence (seuil 25 %)" in page
    with pytest.raises(NotFound, match="is not known"):
        drill_page(open_estate("web1"), "inc-web1-unknown")


def test_what_looks_different_a_person_must_see_and_stays_proven(
    world: World, browser: MemoryBrowser
) -> None:
    browser.paint(FIRST, NEW, RED, WHITE)
    report = drill("web1")
    assert report["verdict"] == "recovered"
    assert report["to_check"] == [
        "shop : la première page diffère de la production sur 50 % de sa surface (seuil 25 %) : "
        "comparer les captures"
    ]
    world.shop.picture_threshold = 0.6
    assert drill("web1")["to_check"] == []


def test_without_production_or_browser_nothing_is_called_compared(
    world: World, browser: MemoryBrowser
) -> None:
    world.probe.stop(OLD)
    report = drill("web1")
    assert "shop : pas de capture en production à laquelle comparer" in report["to_check"]  # type: ignore[operator]
    browser.failing = ConfigurationError("browser", "there is no chromium", "apt-get install it")
    report = drill("web1")
    assert report["verdict"] == "recovered"
    missing = "shop : pas de capture (there is no chromium : apt-get install it)"
    assert missing in report["to_check"]  # type: ignore[operator]
    assert "pas de capture</div>" in drill_page(open_estate("web1"), str(report["incident"]))
