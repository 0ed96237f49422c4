"""Write into the estate file that a server is now another machine, and leave the rest as it is."""

from __future__ import annotations

import re
from pathlib import Path

from blocks.errors import ConfigurationError
from blocks.types import Machine
from deployments.estate_file import read
from deployments.estate_yaml import Path as YamlPath
from deployments.estate_yaml import read_yaml

BACKUP_SUFFIX = ".before"


def adopted(path: Path, server: str, machine: Machine, address: str = "") -> str:
    """Return the file's text with the server's address, host key and origin those of the machine.

    A floating address stays if it is the `address` that leads to the machine; otherwise the server
    has none any more. Lines are changed one by one, so that comments and style stay.

    Raises:
        ConfigurationError: The file does not know the server, or not each key has its own line.
    """
    text = path.read_text(encoding="utf-8")
    document = read_yaml(text)
    data = document.data if isinstance(document.data, dict) else {}
    known = [str(each.get("name")) for each in data.get("servers") or [] if isinstance(each, dict)]
    if server not in known:
        raise ConfigurationError(
            f"server {server} in {path}", "is not there", f"continuity estate validate {path}"
        )
    entry: YamlPath = ("servers", known.index(server))
    lines: list[str] = text.splitlines()
    origin = f"{{provider: {machine.provider.rpartition('/')[2]}, machine: {machine.id}}}"
    line = document.lines.get((*entry, "address"), 0)
    _put(path, lines, line, "address", address or machine.address)
    key = document.lines.get((*entry, "ssh", "host_key"), 0)
    _put(path, lines, key, "host_key", machine.host_key)
    if at := document.lines.get((*entry, "origin")):
        _put(path, lines, at, "origin", origin)
        _drop_block(lines, at)
    else:
        lines.insert(line, f"{_indent(lines[line - 1])}origin: {origin}")
    text = "\n".join(lines) + "\n"
    return text if address else _without_floating(text, entry)


def _without_floating(text: str, entry: YamlPath) -> str:
    number, lines = read_yaml(text).lines.get((*entry, "floating"), 0), text.splitlines()
    if number:
        _drop_block(lines, number)
        del lines[number - 1]
    return "\n".join(lines) + "\n"


def _put(path: Path, lines: list[str], number: int, key: str, value: str) -> None:
    """Replace the value of the key that has line `number`, from 1, to itself."""
    line = lines[number - 1] if number else ""
    found = re.fullmatch(rf"(\s*(?:- )?{key}:)[^#]*?(\s+#.*)?", line)
    if found is None:
        raise ConfigurationError(
            f"estate file {path}",
            f"`{key}` of this server has no line of its own",
            "change it by hand as the report says, then: continuity estate validate",
        )
    lines[number - 1] = f"{found[1]} {value}{found[2] or ''}"


def _drop_block(lines: list[str], number: int) -> None:
    """Remove what was below a key, if its value was a block."""
    depth = len(_indent(lines[number - 1]))
    while number < len(lines) and len(_indent(lines[number])) > depth and lines[number].strip():
        del lines[number]


def _indent(line: str) -> str:
    """Return the blanks before a key; the dash of a list counts as one."""
    bare = line.replace("- ", "  ", 1) if line.lstrip().startswith("- ") else line
    return bare[: len(bare) - len(bare.lstrip())]


def write(path: Path, text: str) -> Path:
    """Replace the file, unless the new text has a mistake; return where the old one is kept.

    Raises:
        ConfigurationError: The new text would be refused; nothing was changed.
    """
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=path.stat().st_mode & 0o777)
    new.write_text(text, encoding="utf-8")
    reading = read(new)
    wrong = [each for each in reading.mistakes if not each.warning]
    if wrong:
        new.unlink()
        raise ConfigurationError(
            f"estate file {path}",
            f"with the new machine it would be refused: line {wrong[0].line}: {wrong[0].text}",
            "change it by hand as the report says, then: continuity estate validate",
        )
    kept = path.with_name(f"{path.name}{BACKUP_SUFFIX}")
    kept.write_bytes(path.read_bytes())
    kept.chmod(path.stat().st_mode & 0o777)
    new.replace(path)
    return kept
