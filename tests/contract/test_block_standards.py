"""What every block and every error must be, whatever it is for."""

from __future__ import annotations

import inspect
import pickle
import re
import socket
import sys
import textwrap
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from prefect.blocks.core import Block
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from blocks import errors
from blocks.registry import MODULES, block_types

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SECRET_NAME = re.compile(r"(^|_)(key|secret|password|passphrase|token)(_|$)")
NOT_SECRET = re.compile(r"(name|algorithm|public|host_key|authorized_key|access_key|file|path|id)$")
"""Such fields hold something else: a key's name, a public key, a path, the id of an S3 key."""

BLOCKS = block_types()
FIELDS = [
    pytest.param(block, name, id=f"{block.__name__}.{name}")
    for block in BLOCKS
    for name in block.model_fields
]
ERRORS = sorted(
    {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ContinuityError)
    },
    key=lambda kind: kind.__name__,
)
SECRET = "c2VjcmV0" * 5
BY_TYPE = {str: "example", int: 1, float: 1.0, bool: True, SecretStr: SecretStr(SECRET)}
BY_NAME = {
    "server": "192.0.2.1",
    "address": "192.0.2.1",
    "network": "192.0.2.0/24",
    "api_url": "http://192.0.2.53:8081",
}


@pytest.fixture(params=BLOCKS, ids=lambda block: block.__name__)
def block(request: pytest.FixtureRequest) -> type[Block]:
    kind: type[Block] = request.param
    return kind


class Outside:
    """Everything that Python is asked to do in the world while this watches."""

    def __init__(self) -> None:
        self._watching = False
        self.wanted: list[str] = []
        sys.addaudithook(self._hear)  # for the rest of the process: hooks cannot be removed

    def __enter__(self) -> Outside:
        self.wanted, self._watching = [], True
        return self

    def __exit__(self, *_: object) -> None:
        self._watching = False

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._watching and event.startswith(("open", "socket.", "subprocess.", "os.")):
            self.wanted.append(f"{event} {arguments}")


OUTSIDE = Outside()


def sample(block: type[Block]) -> Block:
    """Return a block in which every field without a default is filled in."""
    values = {
        name: _value(name, field.annotation)
        for name, field in block.model_fields.items()
        if field.default is PydanticUndefined and field.default_factory is None
    }
    return block.model_validate(values)


def _value(name: str, annotation: Any) -> object:
    inner = get_args(annotation)
    if get_origin(annotation) in {list, tuple, set}:
        return [_value(name, inner[0])]
    if get_origin(annotation) in {Union, UnionType}:
        return _value(name, inner[0])
    if inspect.isclass(annotation) and issubclass(annotation, Block):
        return sample(annotation)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return {key: _value(key, field.annotation) for key, field in fields if field.is_required()}
    return BY_NAME.get(name) or BY_TYPE[annotation]


class TestRegistry:
    @pytest.mark.parametrize("module", MODULES)
    def test_every_module_holds_a_block(self, module: str) -> None:
        import_module(module)
        assert any(block.__module__ == module for block in BLOCKS)

    def test_slugs_and_names_are_not_used_twice(self) -> None:
        for attribute in ("_block_type_slug", "_block_type_name"):
            found = [getattr(block, attribute) for block in BLOCKS]
            assert len(found) == len(set(found)), found


class TestEveryBlock:
    def test_has_a_slug_and_a_name(self, block: type[Block]) -> None:
        assert SLUG.fullmatch(block.get_block_type_slug())
        assert "_block_type_name" in vars(block)
        assert "_block_type_slug" in vars(block)

    def test_has_a_description(self, block: type[Block]) -> None:
        description = block.get_description() or ""
        assert "_description" in vars(block)
        assert description.endswith(".")
        assert "Example" not in description

    def test_has_no_logo(self, block: type[Block]) -> None:
        assert block._logo_url is None, "without the internet a logo is a broken picture"

    def test_shows_how_to_load_it(self, block: type[Block]) -> None:
        example = block.get_code_example() or ""
        name = block.__name__
        assert f"from {block.__module__} import {name}" in example
        assert re.search(rf'\w+ = {name}\.load\("BLOCK_NAME"\)', example)

    def test_its_example_is_code(self, block: type[Block]) -> None:
        example = textwrap.dedent(block.get_code_example() or "").strip()
        fenced = re.fullmatch(r"```python\n(.*)```", example, re.DOTALL)
        assert fenced
        compile(fenced[1], f"<example of {block.__name__}>", "exec")

    def test_takes_no_name_of_a_method_for_its_state(self, block: type[Block]) -> None:
        state = set(block.__private_attributes__) - set(Block.__private_attributes__)
        inherited = {name for base in block.__mro__[1:] for name in vars(base)}
        for name in state:
            assert name.startswith("_")
            assert not name.startswith("__")
            assert not callable(getattr(Block, name, None)), name
            assert not callable(vars(block).get(name)), name
            assert name not in inherited or not callable(getattr(block, name, None)), name

    def test_is_made_without_looking_at_the_world(self, block: type[Block]) -> None:
        sample(block)  # modules may be imported the first time
        with OUTSIDE:
            sample(block)
        assert OUTSIDE.wanted == []
        with OUTSIDE, socket.socket():
            pass
        assert OUTSIDE.wanted, "nothing is heard: this test could not fail"

    def test_survives_pickling(self, block: type[Block]) -> None:
        before = sample(block)
        after = pickle.loads(pickle.dumps(before))  # noqa: S301 - our own bytes
        assert type(after) is block
        assert after.model_dump() == before.model_dump()

    def test_shows_no_secret(self, block: type[Block]) -> None:
        shown = f"{sample(block)!r} {sample(block)} {sample(block).model_dump_json()}"
        assert SECRET not in shown


class TestEveryField:
    @pytest.mark.parametrize(("block", "name"), FIELDS)
    def test_has_a_title_and_a_description(self, block: type[Block], name: str) -> None:
        field: FieldInfo = block.model_fields[name]
        assert field.title
        assert field.description
        assert field.description.endswith("."), field.description

    @pytest.mark.parametrize(("block", "name"), FIELDS)
    def test_holds_secrets_as_such(self, block: type[Block], name: str) -> None:
        annotation = block.model_fields[name].annotation
        if SECRET_NAME.search(name) and not NOT_SECRET.search(name):
            assert annotation is SecretStr or SecretStr in get_args(annotation), annotation


class TestEveryError:
    def test_there_are_some(self) -> None:
        assert errors.Unreachable in ERRORS
        assert len(ERRORS) > 20

    @pytest.mark.parametrize("kind", ERRORS)
    def test_says_what_on_what_and_what_next(self, kind: type[errors.ContinuityError]) -> None:
        text = str(kind("server web1", "does not answer.", "ping web1"))
        assert text == "server web1: does not answer. Next: ping web1"

    @pytest.mark.parametrize("kind", ERRORS)
    def test_survives_pickling(self, kind: type[errors.ContinuityError]) -> None:
        extra = list(inspect.signature(kind.__init__).parameters.values())[4:]
        values = [7 if isinstance(p.default, int) else "detail" for p in extra]
        before = kind("server web1", "does not answer", "ping web1", *values)
        after = pickle.loads(pickle.dumps(before))  # noqa: S301 - our own bytes
        assert type(after) is kind
        assert vars(after) == vars(before)
        assert (str(after), after.transient) == (str(before), before.transient)

    @pytest.mark.parametrize("kind", ERRORS)
    def test_has_a_docstring_of_its_own(self, kind: type[errors.ContinuityError]) -> None:
        assert (vars(kind).get("__doc__") or "").strip().endswith(".")
