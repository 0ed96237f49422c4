"""Do the exercise of docs/formation.md: every block, in order, in one terminal, as a reader would.

    script/campaign formation [--keep]

What is to be copied (`à-recopier`) is read from what the terminal showed before.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Annotated

import typer

from blocks.errors import VerificationFailed
from deployments.lab import lab
from deployments.lab.campaign_result import FOLDER
from deployments.lab.config import ROOT, current

PAGE = ROOT / "docs" / "formation.md"
BLOCK_SECONDS = 900
TO_COPY = re.compile(r"^([A-Z_]+)='à-recopier'$", re.MULTILINE)
_CHAPTER = re.compile(r"^## ", re.MULTILINE)
_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
_DIGEST = re.compile(r"Empreinte du plan[^0-9a-f]*([0-9a-f]{12})")
WHERE = {
    "INCIDENT": re.compile(r"\(incident `(inc-web1-[0-9a-f]+)`\)"),
    "EMPREINTE": _DIGEST,
    "EMPREINTE_MESSAGES": re.compile(r"incertains\. Empreinte : `([0-9a-f]{12})`"),
    "EMPREINTE_RETOUR": _DIGEST,
    "NOUVELLE_ADRESSE": re.compile(r"^address: ([0-9.]+)$", re.MULTILINE),
}
"""Where a reader finds what is to be copied; the last one shown counts."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of commands, with the chapter that it is in."""

    chapter: str
    commands: str


@dataclass(frozen=True, slots=True)
class Done:
    """One block that was run: how long it took."""

    chapter: str
    seconds: float


def blocks(page: str) -> list[Block]:
    """Return all blocks of the page, in order."""
    parts = _CHAPTER.split(page)[1:]
    return [
        Block(part.splitlines()[0], commands) for part in parts for commands in _BLOCK.findall(part)
    ]


def filled(commands: str, shown: str) -> str:
    """Write what is to be copied between the apostrophes, as it was shown last.

    Raises:
        VerificationFailed: It was not shown.
    """

    def value(found: re.Match[str]) -> str:
        seen = WHERE[found[1]].findall(shown)
        if not seen:
            raise VerificationFailed(str(PAGE), f"{found[1]} was not shown", "read the output")
        return f"{found[1]}='{seen[-1]}'"

    return TO_COPY.sub(value, commands)


class Terminal:
    """One shell that stays open; what it shows is printed and kept."""

    def __init__(self, folder: Path) -> None:
        self.shown = ""
        self._file = folder / "block.sh"
        self._shell = subprocess.Popen(
            ["bash", "-e", "-o", "pipefail"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, commands: str) -> None:
        """Run a block. Raises `VerificationFailed` at the first command that fails."""
        self._file.write_text(commands, encoding="utf-8")
        keyboard = self._shell.stdin
        if keyboard is None:
            raise TypeError("the shell has a keyboard")
        keyboard.write(f"source {self._file} </dev/null\necho '-- done --'\n")
        keyboard.flush()
        limit = Timer(BLOCK_SECONDS, self._shell.kill)
        limit.start()
        try:
            if not self._until("-- done --\n"):
                last = self.shown.strip().splitlines()[-1]
                raise VerificationFailed(commands.splitlines()[0], last, f"less {PAGE}")
        finally:
            limit.cancel()

    def close(self) -> None:
        """End the shell."""
        self._shell.kill()
        self._shell.wait(timeout=10)

    def _until(self, mark: str) -> bool:
        for line in self._lines():
            if line == mark:
                return True
            self.shown += line
            print(line, end="", flush=True)
        return False

    def _lines(self) -> Iterator[str]:
        screen = self._shell.stdout
        if screen is None:
            raise TypeError("the shell has a screen")
        return iter(screen)


def main(
    keep: Annotated[bool, typer.Option(help="Leave the lab up at a failure.")] = False,
) -> None:
    """Do the exercise; ends non-zero at the first command that fails."""
    here, done = current(), list[Done]()
    lab.down(here)
    with TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder))
        try:
            for each in blocks(PAGE.read_text(encoding="utf-8")):
                begun = time.monotonic()
                print(f"\n== {each.chapter}\n{each.commands}", flush=True)
                terminal.run(filled(each.commands, terminal.shown))
                done.append(Done(each.chapter, round(time.monotonic() - begun, 1)))
        except VerificationFailed as error:
            print(f"formation: {error}", file=sys.stderr)
            sys.exit(1)
        finally:
            terminal.close()
            _write(done)
            if not keep:
                lab.down(here)
    print(f"{len(done)} blocks in {sum(each.seconds for each in done):.0f} s")


def _write(done: Sequence[Done]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    document = {"blocks": [asdict(each) for each in done]}
    (FOLDER / "formation.json").write_text(
        json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    )


if __name__ == "__main__":
    typer.run(main)
