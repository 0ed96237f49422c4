"""Each check of readiness is made red, one at a time, and nothing else changes its colour."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import flows
from tests.flows.readiness_cases import RED
from tests.flows.readiness_monitor_cases import CASES
from tests.flows.ready_world import ready_world, seen, states
from tests.flows.world import World


@pytest.fixture(scope="module")
def world(prefect_backend: None) -> Iterator[World]:
    with ready_world() as made:
        yield made


@pytest.fixture(scope="module")
def green(world: World) -> dict[str, str]:
    return {name: str(state) for name, state in states().items()}


@pytest.mark.parametrize("name", CASES)
def test_it_is_red_and_hides_nothing_else(world: World, green: dict[str, str], name: str) -> None:
    act, expected = CASES[name]
    with act(world):
        found = seen()
    after = {each: str(check.state) for each, check in found.items()}
    changed = {each: state for each, state in after.items() if green.get(each) != state}
    changed |= {each: "gone" for each in green if each not in after}
    assert changed == expected
    silent = [each for each in after if after[each] != "ready" and not found[each].hint]
    assert not [each for each in silent if each in expected], "what is to be done is not said"


def test_every_check_has_a_case_that_makes_it_red(green: dict[str, str]) -> None:
    reddened = {_kind(name) for _, names in CASES.values() for name, s in names.items() if s in RED}
    assert {_kind(name) for name in green} <= reddened
    assert _named_in_code() <= reddened


def test_every_check_is_explained_to_the_operator(green: dict[str, str]) -> None:
    page = (Path(flows.__file__).parents[1] / "docs/controle-avant-sinistre.md").read_text()
    kinds = {_kind(name) for name in green} | _named_in_code()
    assert [kind for kind in sorted(kinds) if f"\n| {kind} |" not in page] == []


MAKERS = ("Check", "_judged")
KINDS = re.compile(r"^(essai du dépôt|clés du dépôt|clé DNS|compte|machine|PHP|annonces|DNS) ")


def _kind(name: str) -> str:
    """Return a check's name without what it is about: "clé DNS" of "clé DNS zone/atelier"."""
    found = KINDS.match(name)
    return found[1] if found else name.removesuffix(" shop").removesuffix(" brochure")


def _named_in_code() -> set[str]:
    """Return the names that the code gives to checks: `Check("…")` and `about = "…"`."""
    top = Path(flows.__file__).parent
    files = [*top.glob("decisions/readiness*.py"), *top.glob("tasks/readiness*.py")]
    return {name for file in files for name in _names(ast.parse(file.read_text()))}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in MAKERS:
            yield from _text(node.args[0])
        if isinstance(node, ast.Assign):
            yield from _about(node.targets[0], node.value)


def _about(target: ast.expr, value: ast.expr) -> Iterator[str]:
    """Follow `about = …`, and `about, hint = …, …`."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, given in zip(target.elts, value.elts, strict=True):
            yield from _about(each, given)
    elif isinstance(target, ast.Name) and target.id.lower() == "about":
        yield from _text(value)


def _text(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.JoinedStr):
        value = value.values[0]
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value.strip()
