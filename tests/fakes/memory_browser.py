"""A browser in memory: tests say what colour a page has; held to what callers rely on."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urlsplit

from PIL import Image

from blocks.browsers.base import Browser
from blocks.errors import ContinuityError, Unreachable

Colour = tuple[int, int, int]


class MemoryBrowser(Browser):
    """Every page is white, unless it was painted."""

    def __init__(self) -> None:
        self.painted: dict[tuple[str, str], list[Colour]] = {}
        self.failing: ContinuityError | None = None
        self.gone: set[str] = set()

    def paint(self, url: str, address: str, *stripes: Colour) -> None:
        """Let a page at this address show stripes of these colours, from top to bottom."""
        self.painted[url, address] = list(stripes)

    def picture(
        self,
        url: str,
        *,
        address: str = "",
        width: int = 1280,
        height: int = 1600,
        any_certificate: bool = False,
    ) -> bytes:
        if self.failing:
            raise self.failing
        if (address or urlsplit(url).hostname) in self.gone:
            raise Unreachable(url, "net::ERR_CONNECTION_REFUSED", "look whether the site answers")
        stripes = self.painted.get((url, address), [(255, 255, 255)])
        image = Image.new("RGB", (1, len(stripes)))
        image.putdata(stripes)
        written = BytesIO()
        image.resize((width, height), Image.Resampling.NEAREST).save(written, "PNG")
        return written.getvalue()

    def pdf(self, html: str) -> bytes:
        return f"%PDF-1.4\n{html}".encode()
