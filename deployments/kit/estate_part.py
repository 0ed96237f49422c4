"""What a kit takes along of an estate: its file, every secret, every file that it names."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from blocks.errors import ConfigurationError
from deployments.estate_file import load
from deployments.estate_yaml import read_yaml
from deployments.kit.package import Entry

ESTATE, ELSEWHERE, VARIABLES = "parc", "place", "secrets.env"
"""Folder of the estate file; of what it names by an absolute path; file of variables to source."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def estate_entries(file: Path, more: Iterable[str] = ()) -> tuple[str, tuple[Entry, ...]]:
    """Return where the estate file lies in the kit, and all entries that belong to it.

    The file stays as it is, byte for byte: what it names by a relative path lies beside it just as
    it did, what it names by an absolute path goes below `place/` for the installer to put there.

    Args:
        file: The estate file.
        more: Names of further environment variables to take along.

    Raises:
        ConfigurationError: The estate has a mistake, or a secret or file is missing.
    """
    load(file)
    file = file.resolve()
    text = file.read_bytes()
    data = read_yaml(text.decode()).data
    named = list(dict.fromkeys(_files(data)))
    near = [file.parent / each for each in named if not Path(each).is_absolute()]
    top = os.path.commonpath([file.parent, *(os.path.normpath(each.parent) for each in near)])

    def inside(path: Path) -> str:
        return f"{ESTATE}/{os.path.relpath(path, top)}"

    entries = [Entry(inside(file), text)]
    entries += [Entry(inside(each), _content(each)) for each in near]
    far = [Path(os.path.normpath(each)) for each in named if Path(each).is_absolute()]
    entries += [Entry(f"{ELSEWHERE}{each}", _content(each)) for each in far]
    variables = _variables(dict.fromkeys([*_environment(data), *more]))
    found = {each.path: each for each in (*entries, variables)}
    return inside(file), tuple(found.values())


def _files(data: object) -> Iterator[str]:
    """Yield every file that the estate names: secrets by reference, and `..._file: PATH`."""
    for key, value in _pairs(data):
        if (key == "file" or key.endswith("_file")) and isinstance(value, str) and value:
            if value.startswith("~"):
                raise ConfigurationError(
                    f"file {value}",
                    "is named by a home directory, which differs on another machine",
                    "write its whole path in the estate file, or one from the estate file on",
                )
            if key != "file" and not Path(value).is_absolute():
                raise ConfigurationError(
                    f"{key} {value}",
                    "is named from the current directory, which differs on another machine",
                    "write its whole path in the estate file",
                )
            yield value


def _environment(data: object) -> Iterator[str]:
    for key, value in _pairs(data):
        if key == "env" and isinstance(value, str):
            yield value


def _pairs(data: object) -> Iterator[tuple[str, object]]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield str(key), value
            yield from _pairs(value)
    elif isinstance(data, list):
        for each in data:
            yield from _pairs(each)


def _variables(names: Iterable[str]) -> Entry:
    lines = ["# Variables du parc ; la commande « continuity » de la trousse les lit elle-même."]
    for name in names:
        value = os.environ.get(name)
        if value is None or not _VARIABLE.fullmatch(name):
            raise ConfigurationError(
                f"environment variable {name}",
                "is not set" if value is None else "has no name that a shell takes",
                f"set it, for example: read -rs {name} && export {name}",
            )
        lines.append(f"export {name}={shlex.quote(value)}")
    return Entry(VARIABLES, ("\n".join(lines) + "\n").encode())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"file {path}", f"cannot be read ({error.strerror})", f"look at it: ls -l {path}"
        ) from error
