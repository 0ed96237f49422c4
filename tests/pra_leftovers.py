"""What must not be left in a document for French administrators."""

from __future__ import annotations

import re

WORDS = (
    r"\bNone\b",
    r"\bNaN\b",
    r"\{\{|\}\}|\{%|%\}",
    r"\b(TODO|FIXME|XXX|Lorem)\b",
    r"\b(True|False|nan)\b",
    r"\b\w+\(.*=.*\)",  # a value's repr
    r"\b(cannot|does not|is not|did not|could not|timed out)\b",
    r"\b(failed|refused|missing|unknown|answers?|broken|nobody)\b",
    r"\bNext:",
    r"datetime|timedelta|\b0:00:",
    r"\b(Duty|Tier|Frequency|State)\.",
    r"\bde (OmniWeb|un|une)\b",
    r"\|\s*\|",  # an empty cell
)
"""Patterns of what is untranslated, unfilled or a value that nobody wrote out."""
TOOLS = re.compile(r"`(wrong password|does not exist|Access Denied)`")
"""What other programs say, quoted so that people know it again."""
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def leftovers(markdown: str) -> list[str]:
    """Return every line with something left over, with its pattern; not of commands."""
    text = TOOLS.sub("", _FENCE.sub("", markdown))
    return [
        f"{pattern}: {line}"
        for line in text.splitlines()
        for pattern in WORDS
        if re.search(pattern, line)
    ]
