"""Compare two pictures of a page, and make one small enough to keep."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageChops, ImageFilter

from blocks.errors import DamagedData

COMPARED = (320, 400)
"""Pixels to which both pictures are scaled: what nobody would see does not count."""
NOTICED = 40
"""Of 255, in any colour: less than that is how letters are smoothed."""
KEPT_WIDTH, KEPT_COLOURS = 640, 128


def difference(before: bytes, after: bytes) -> float:
    """Return the share of pixels that differ, from 0 (the same) to 1.

    Raises:
        DamagedData: One of them is no picture.
    """
    one, other = (_scaled(each) for each in (before, after))
    channels = ImageChops.difference(one, other).split()
    most = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    differing = sum(most.histogram()[NOTICED:])
    return differing / (COMPARED[0] * COMPARED[1])


def kept(png: bytes) -> bytes:
    """Return a picture as a PNG that is kept with the journal: narrower, with few colours."""
    picture = _opened(png)
    height = max(1, round(picture.height * KEPT_WIDTH / picture.width))
    small = picture.resize((KEPT_WIDTH, height), Image.Resampling.LANCZOS)
    written = BytesIO()
    small.quantize(KEPT_COLOURS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _scaled(png: bytes) -> Image.Image:
    small = _opened(png).resize(COMPARED, Image.Resampling.BOX)
    return small.filter(ImageFilter.BoxBlur(1))


def _opened(png: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(png), formats=("PNG",)).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        hint = "take it again: continuity drill"
        raise DamagedData("picture of a page", "is no PNG", hint) from error
