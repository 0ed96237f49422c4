"""The page for developers names files and symbols that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.unit.test_docs import ROOT

PAGE = ROOT / "docs/adding-a-provider.md"
OURS = ("blocks", "flows", "deployments", "tests")
PLACEHOLDER = "NAME"
OTHERS = {"SecretStr", "None", "from", "type", "octodns-*", "storages"}
"""Words of Python, of libraries, and of our YAML."""


def quoted() -> list[str]:
    return sorted(set(re.findall(r"`([^`\n]+)`", PAGE.read_text("utf-8"))))


def is_path(word: str) -> bool:
    return "/" in word or word.endswith((".md", ".py", ".toml", ".yaml"))


PATHS = [word for word in quoted() if is_path(word) and PLACEHOLDER not in word]
SYMBOLS = [
    word for word in quoted() if not is_path(word) and word not in OTHERS and " " not in word
]


@cache
def names_of(path: str) -> frozenset[str]:
    """Return every name that a module defines or gives a value to."""
    return frozenset(_names(ast.parse((ROOT / path).read_text("utf-8"))))


@cache
def all_names() -> frozenset[str]:
    files = (path for folder in OURS for path in (ROOT / folder).rglob("*.py"))
    return frozenset().union(*(names_of(str(path.relative_to(ROOT))) for path in files))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_the_page_names_many() -> None:
    assert len(PATHS) > 25
    assert len(SYMBOLS) > 45


@pytest.mark.parametrize("path", PATHS)
def test_each_file_exists(path: str) -> None:
    near = [ROOT / path, *(ROOT / "blocks").glob(f"*/{path}")]
    assert any(each.exists() for each in near)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_each_symbol_exists(symbol: str) -> None:
    known = all_names()
    assert [part for part in symbol.split(".") if part not in known | {"CONTINUITY_LIVE"}] == []


def test_a_symbol_is_where_the_page_says() -> None:
    """`Symbol` (`file`), and `Symbol` in or of `file`."""
    pairs = re.findall(
        r"`(\w+)`(?:,? \(| (?:in|of) )\s*`([\w/]+\.py)`", PAGE.read_text("utf-8").replace("\n", " ")
    )
    assert len(pairs) > 15
    assert [(name, file) for name, file in pairs if name not in names_of(file)] == []


@pytest.mark.parametrize("word", ["NoSuchClass", "HostedVps._no_such_method"])
def test_a_symbol_that_does_not_exist_is_found(word: str) -> None:
    assert not set(word.split(".")) <= all_names()
