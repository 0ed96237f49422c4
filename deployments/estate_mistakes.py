"""Say what is wrong with an estate file in words that lead to its repair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong.

    Attributes:
        line: Line of the file, from 1.
        text: What is wrong, on what.
        hint: What to write instead, or what to check.
        warning: Whether the estate can be used all the same.
    """

    line: int
    text: str
    hint: str
    warning: bool = False

    def __str__(self) -> str:
        prefix = "warning: " if self.warning else ""
        return f"{prefix}{self.text}. Hint: {self.hint}."


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake that is known by its path in the data, not yet by its line."""

    path: tuple[str | int, ...]
    text: str
    hint: str
    warning: bool = False
    unknown_key: bool = False


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a hint for a word that is none of the known ones."""
    if close := get_close_matches(word, known, n=1):
        return f"did you mean '{close[0]}'"
    if not known:
        return "there is none yet: add it first"
    return f"one of {', '.join(sorted(set(known)))}"


def subject(path: Sequence[str | int], data: object) -> str:
    """Return how people call what is at a path, such as `site 'shop', roots`."""
    words: list[str] = []
    node = data
    for part in path:
        node = _inside(node, part)
        if isinstance(part, int):
            section = words.pop() if words else "entry"
            name = node.get("name") if isinstance(node, Mapping) else None
            words.append(
                f"{_SINGULAR.get(section, section)} " + (f"'{name}'" if name else f"{part + 1}")
            )
        else:
            words.append(part)
    return ", ".join(words) or "the file"


_SINGULAR = {
    "servers": "server",
    "sites": "site",
    "repositories": "repository",
    "archives": "archive",
    "zones": "zone",
    "providers": "provider",
    "notifiers": "notifier",
    "clients": "client",
    "targets": "target",
    "domains": "domain",
    "roots": "root",
    "databases": "database",
    "smoke": "smoke check",
}


def from_pydantic(error: ErrorDetails, data: object, schema: Mapping[str, Any]) -> Finding:
    """Say one error of the models in our words.

    The value itself is never repeated unless the check's author put it there: it may be a secret.

    Args:
        error: The error as pydantic gives it.
        data: The data that was validated.
        schema: JSON Schema of the whole file, for the keys that are known at a place.
    """
    path = _real_path(error["loc"], data, missing=error["type"] == "missing")
    around, last = path[:-1], str(path[-1]) if path else ""
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            what = subject(around, data)
            return Finding(around, f"{what}: '{last}' is missing", _describe(schema, data, path))
        case "extra_forbidden":
            known = _known_keys(schema, data, around)
            hint = did_you_mean(last, known)
            text = f"{subject(around, data)}: unknown key '{last}'"
            return Finding(path, text, hint, unknown_key=True)
        case "union_tag_invalid":
            tags = [tag.strip().strip("'") for tag in str(context["expected_tags"]).split(",")]
            text = f"{subject(path, data)}: unknown type '{context['tag']}'"
            return Finding((*path, "type"), text, did_you_mean(str(context["tag"]), tags))
        case "union_tag_not_found":
            return Finding(
                path, f"{subject(path, data)}: 'type' is missing", "name the kind of block"
            )
        case "literal_error" | "enum":
            text = f"{subject(path, data)}: unknown value '{error['input']}'"
            return Finding(path, text, f"one of {context['expected']}".replace("'", ""))
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    hint = str(context.get("hint") or _describe(schema, data, path))
    return Finding(path, f"{subject(path, data)}: {message[:1].lower()}{message[1:]}", hint)


def _inside(node: object, part: str | int) -> object:
    if isinstance(node, Mapping):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _real_path(loc: Sequence[str | int], data: object, *, missing: bool) -> tuple[str | int, ...]:
    """Leave out what pydantic adds to a path: the tags of unions."""
    path: list[str | int] = []
    node = data
    for position, part in enumerate(loc):
        is_missing_key = missing and position == len(loc) - 1
        inside = isinstance(node, Mapping) and part in node
        inside = inside or (isinstance(node, list) and isinstance(part, int))
        if inside or is_missing_key:
            path.append(part)
            node = _inside(node, part)
    return tuple(path)


def _places(
    schema: Mapping[str, Any], data: object, path: Sequence[str | int]
) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas that apply at a path; a choice by `type` is made as the data makes it."""
    for place in _alternatives(schema, schema, data):
        if not path:
            yield place
        elif isinstance(path[0], int):
            yield from _descend(schema, place.get("items"), data, path)
        else:
            yield from _descend(schema, place.get("properties", {}).get(path[0]), data, path)


def _descend(
    root: Mapping[str, Any],
    place: Mapping[str, Any] | None,
    data: object,
    path: Sequence[str | int],
) -> Iterator[Mapping[str, Any]]:
    if place is not None:
        yield from _places({**place, "$defs": root["$defs"]}, _inside(data, path[0]), path[1:])


def _alternatives(
    root: Mapping[str, Any], place: Mapping[str, Any], data: object
) -> Iterator[Mapping[str, Any]]:
    if reference := place.get("$ref"):
        target = root["$defs"][str(reference).rsplit("/", 1)[1]]
        yield from _alternatives(root, {**target, **_without(place, "$ref")}, data)
        return
    choices = [*place.get("oneOf", ()), *place.get("anyOf", ())]
    if mapping := place.get("discriminator", {}).get("mapping"):
        kind = data.get("type") if isinstance(data, Mapping) else None
        choices = [{"$ref": mapping[kind]}] if kind in mapping else choices
    yield place
    for choice in choices:
        yield from _alternatives(root, choice, data)


def _without(place: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in place.items() if name != key}


def _known_keys(schema: Mapping[str, Any], data: object, path: Sequence[str | int]) -> list[str]:
    return sorted(
        {key for place in _places(schema, data, path) for key in place.get("properties", {})}
    )


def _describe(schema: Mapping[str, Any], data: object, path: Sequence[str | int]) -> str:
    texts = [
        place["description"] for place in _places(schema, data, path) if "description" in place
    ]
    return texts[0].rstrip(".") if texts else "see estate.example.yaml"
