"""What drills rely on of a browser, over the memory twin and over Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import pytest
from PIL import Image

from blocks.browsers.base import Browser
from blocks.browsers.chromium import Chromium
from blocks.errors import Unreachable
from tests.contract.https_site import closed_port, site
from tests.fakes.memory_browser import MemoryBrowser

HOST, HERE = "boutique.atelier.test", "127.0.0.1"


@dataclass
class Bench:
    browser: Browser
    url: str
    nowhere: str


@pytest.fixture(params=["memory", "chromium"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "memory":
        twin = MemoryBrowser()
        twin.paint(f"http://{HOST}/", HERE, (0, 128, 0))
        twin.gone.add("127.0.0.9")
        yield Bench(twin, f"http://{HOST}/", f"http://{HOST}/")
        return
    with site(None, HERE) as (port, answers):
        answers.body = b"<style>body{margin:0;background:rgb(0,128,0)}</style>"
        gone = closed_port()
        yield Bench(Chromium(), f"http://{HOST}:{port}/", f"http://{HOST}:{gone}/")


def test_a_picture_is_a_png_of_the_size_that_was_asked_for(bench: Bench) -> None:
    shown = bench.browser.picture(bench.url, address=HERE, width=320, height=200)
    image = Image.open(BytesIO(shown), formats=("PNG",)).convert("RGB")
    assert image.size == (320, 200)
    assert image.getpixel((160, 100)) == (0, 128, 0)


def test_where_nothing_answers_there_is_no_picture(bench: Bench) -> None:
    with pytest.raises(Unreachable):
        bench.browser.picture(bench.nowhere, address="127.0.0.9")
