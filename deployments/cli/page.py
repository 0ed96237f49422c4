"""Show a page of Markdown at the terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markdown import Markdown


def show(text: str) -> None:
    """Print a page: laid out for a person at a terminal, as it is for a file or a pipe."""
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        print(text)
