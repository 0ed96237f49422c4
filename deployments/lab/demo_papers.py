"""The documents of the story: written into one folder, and seen in a real browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from blocks.browsers.chromium import Chromium
from blocks.errors import VerificationFailed
from deployments.lab import control
from deployments.lab.config import Lab

SECONDS = 180


class Papers:
    """What the story leaves to read."""

    def __init__(self, folder: Path, here: Lab) -> None:
        self._folder, self._lab = folder, here
        for old in folder.iterdir():
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink()

    def write(self, *words: str, accept: tuple[int, ...] = (0,)) -> None:
        """Run a command that writes documents; words with a dot or `report` name them."""
        placed = [
            str(self._folder / word) if before in ("--html", "--pdf", "--out") else word
            for before, word in zip(("", *words[:-1]), words, strict=True)
        ]
        argv = [sys.executable, "-m", "deployments.cli.main", *placed]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode not in accept:
            said = done.stderr.strip().splitlines()[-1:]
            raise VerificationFailed(
                f"continuity {' '.join(words)}", f"ended with {done.returncode}: {said}", "again"
            )

    def keep(self, name: str, text: str) -> None:
        """Keep what a command said."""
        (self._folder / name).write_text(text, encoding="utf-8")

    def mail_files(self) -> list[Path]:
        """Return the mails that the lab's server has taken."""
        return sorted((self._lab.state / "mail").glob("*.eml"))

    def mails(self) -> None:
        """Keep every mail."""
        (self._folder / "mails").mkdir()
        for each in self.mail_files():
            shutil.copy(each, self._folder / "mails" / each.name)

    def status_page(self) -> None:
        """Keep the status page as its host would serve it."""
        remote = control.make_status_repository(self._lab)
        words = ("git", f"--git-dir={remote}", "show", "HEAD:public/index.html")
        page = subprocess.run(words, capture_output=True, timeout=SECONDS, check=True).stdout
        (self._folder / "status.html").write_bytes(page)

    def pictures(self) -> None:
        """See every page in a browser, and keep what was seen."""
        browser = Chromium()
        for page in sorted(self._folder.rglob("*.html")):
            page.with_suffix(".png").write_bytes(browser.picture(page.as_uri(), height=2400))

    def written(self) -> tuple[str, ...]:
        """Return the names of all documents."""
        found = sorted(each for each in self._folder.rglob("*") if each.is_file())
        return tuple(str(each.relative_to(self._folder)) for each in found)
