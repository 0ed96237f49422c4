"""Read YAML and remember on which line each value stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.constructor import BaseConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from deployments.estate_mistakes import Mistake

Path = tuple[str | int, ...]
_MERGE = "tag:yaml.org,2002:merge"


@dataclass
class Document:
    """Plain data of a YAML text.

    Attributes:
        data: Mappings, lists and scalars; None if the text could not be read.
        lines: Line of each value by its path, from 1; a mapping's value stands where its key does.
        mistakes: What is wrong with the text itself: syntax, keys given twice.
    """

    data: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> Document:
    """Read one YAML document."""
    document = Document()
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
        document.data = _Reader(yaml.constructor, document).value(node, ()) if node else {}
    except YAMLError as error:
        document.mistakes.append(_syntax_mistake(error))
        document.data = None
    return document


def _syntax_mistake(error: YAMLError) -> Mistake:
    hint = "check indentation, colons and quotes there and on the line above"
    if not isinstance(error, MarkedYAMLError):
        return Mistake(1, "not valid YAML: holds bytes that are no text", "save it as UTF-8")
    mark = error.problem_mark or error.context_mark
    return Mistake(mark.line + 1 if mark else 1, f"not valid YAML: {error.problem}", hint)


class _Reader:
    def __init__(self, constructor: BaseConstructor, document: Document) -> None:
        self._constructor = constructor
        self._document = document

    def value(self, node: Node, path: Path) -> object:
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)  # noqa: S101 - there is no other kind of node
        return self._constructor.construct_object(node)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged |= self._merged(value_node, path)
                continue
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in found:
                self._twice(key, line, self._document.lines[(*path, key)])
                continue
            self._document.lines[(*path, key)] = line
            found[key] = self.value(value_node, (*path, key))
        return merged | found

    def _merged(self, node: Node, path: Path) -> dict[str, object]:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, object] = {}
        for source in reversed(sources):
            if isinstance(source, MappingNode):
                merged |= self._mapping(source, (*path, "<<"))
        return merged

    def _twice(self, key: str, line: int, first: int) -> None:
        text = f"'{key}' is given twice, first on line {first}"
        self._document.mistakes.append(Mistake(line, text, "keep one of them"))
