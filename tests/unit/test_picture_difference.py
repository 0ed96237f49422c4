"""How much two pictures of a page differ, and what is kept of one."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from blocks.errors import DamagedData
from flows.decisions.picture_difference import KEPT_WIDTH, difference, kept

SIZE = (1280, 1600)


def page(changed: float = 0.0, colour: str = "black", size: tuple[int, int] = SIZE) -> bytes:
    """Return a page with text, of which this share, from the top, has another colour."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for line in range(20):
        draw.text((40, 60 + 70 * line), f"Le Journal des Rives, article {line}", fill="black")
    draw.rectangle((0, 0, size[0], size[1] * changed), fill=colour)
    written = BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def test_the_same_page_does_not_differ():
    assert difference(page(), page()) == 0


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_score_is_the_share_that_looks_different(share: float):
    assert difference(page(), page(share)) == pytest.approx(share, abs=0.02)


def test_another_size_of_the_same_page_is_no_difference():
    assert difference(page(), page(size=(1280, 1600))) < 0.01
    flat = Image.new("RGB", (640, 800), "white")
    written = BytesIO()
    flat.save(written, "PNG")
    assert difference(written.getvalue(), page()) < 0.05


def test_a_shade_that_nobody_notices_does_not_count():
    assert difference(page(1, "#808080"), page(1, "#888888")) == 0
    assert difference(page(1, "#808080"), page(1, "#80d080")) == 1


def test_a_line_of_text_that_moved_by_a_pixel_is_little():
    assert difference(page(0.001), page(0.002)) < 0.01


def test_what_is_kept_is_small_and_looks_the_same():
    small = kept(page(0.3, "navy"))
    image = Image.open(BytesIO(small), formats=("PNG",))
    assert image.size == (KEPT_WIDTH, 800)
    assert len(small) < 100_000
    assert difference(small, page(0.3, "navy")) < 0.02


@pytest.mark.parametrize("broken", [b"", b"\x89PNG\r\n\x1a\n", b"<svg/>", page()[:500]])
def test_what_is_no_picture_is_said_to_be_none(broken: bytes):
    with pytest.raises(DamagedData):
        difference(page(), broken)
