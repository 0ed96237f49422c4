"""Forms of the estate file that follow from the block classes.

A form has the fields of its block, secrets by reference and nested blocks as forms of their
own. So a new provider appears in the estate file and in its JSON Schema by its line in
`blocks.registry`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, cast, get_args, get_origin

from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, SecretStr, create_model
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

from blocks import registry
from deployments.secret_references import SecretReference

NAME_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"
"""What Prefect takes as a block's name."""

_OWN_FIELDS = ("name", "type")


class Form(BaseModel):
    """A mapping of the estate file: a key that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BlockForm(Form):
    """The fields of one block as the estate file gives them."""

    block_class: ClassVar[type[Block]]

    def reference_as(self, name: str) -> str:
        """Return the reference `type/name` of the block under this name."""
        return f"{self.block_class.get_block_type_slug()}/{name}"

    def block(self, **more: object) -> Block:
        """Return the block with its secrets read, and with these fields besides.

        Raises:
            ConfigurationError: A secret is missing.
            ValidationError: The block refuses a value.
        """
        given = self.model_fields_set - set(_OWN_FIELDS)
        return self.block_class(**{name: _value(getattr(self, name)) for name in given}, **more)


class NamedBlockForm(BlockForm):
    """A block that the rest of the file refers to by its name."""

    name: str = Field(pattern=NAME_PATTERN, description="Name by which this file refers to it.")

    @property
    def reference(self) -> str:
        """Return the block's reference `type/name`."""
        return self.reference_as(self.name)


class BlockOf:
    """Annotation for "a form of any registered block of this kind", told apart by `type`."""

    def __init__(self, kind: type[Block], *, named: bool = True) -> None:
        self.kind = kind
        self.named = named

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler.generate_schema(forms_of(self.kind, named=self.named))


class FieldsOf:
    """Annotation for "the fields of the block with this slug", without a `type` and a name."""

    def __init__(self, slug: str, without: Sequence[str] = ()) -> None:
        self.slug = slug
        self.without = tuple(without)

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler.generate_schema(form(block_class(self.slug), without=self.without))


def block_class(slug: str) -> type[Block]:
    """Return the registered block class with this slug."""
    return next(kind for kind in registry.block_types() if kind.get_block_type_slug() == slug)


def forms_of(kind: type[Block], *, named: bool) -> object:
    """Return the annotation that takes a form of any registered block of this kind."""
    classes = [found for found in registry.block_types() if issubclass(found, kind)] or [kind]
    if len(classes) == 1:
        return form(classes[0], named=named, typed="required" if named else "optional")
    union = reduce(or_, (form(found, named=named, typed="required") for found in classes))
    return Annotated[union, Field(discriminator="type")]


@cache
def form(
    cls: type[Block],
    *,
    named: bool = False,
    typed: Literal["required", "optional", "no"] = "no",
    without: tuple[str, ...] = (),
) -> type[BlockForm]:
    """Return the form of one block class."""
    fields: dict[str, Any] = {
        name: _form_field(info) for name, info in cls.model_fields.items() if name not in without
    }
    if taken := set(_OWN_FIELDS) & set(fields):
        raise TypeError(f"{cls.__name__}: a block that the estate file gives may not have {taken}")
    slug = cls.get_block_type_slug()
    if typed != "no":
        default = ... if typed == "required" else slug
        fields = {"type": (Literal[slug], Field(default, description="Kind of block."))} | fields
    made = create_model(
        f"{'Named' if named else ''}{cls.__name__}",
        __base__=NamedBlockForm if named else BlockForm,
        __doc__=cls.get_description() or cls.__name__,
        **fields,
    )
    form_class = cast("type[BlockForm]", made)
    form_class.block_class = cls
    return form_class


def _form_field(info: FieldInfo) -> tuple[object, FieldInfo]:
    field = copy(info)
    annotation: Any = _form_annotation(info.annotation)
    if annotation is not info.annotation and not info.is_required():
        # The default is the block's business; here it only means "not given".
        annotation, field.default, field.default_factory = annotation | None, None, None
    field.annotation = annotation
    return annotation, field


def _form_annotation(annotation: object) -> object:
    if annotation is SecretStr:
        return SecretReference
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return forms_of(annotation, named=False)
    inner = get_args(annotation)
    changed = tuple(_form_annotation(part) for part in inner)
    if all(new is old for new, old in zip(changed, inner, strict=True)):
        return annotation
    origin: Any = get_origin(annotation)
    return reduce(or_, changed) if origin in (Union, UnionType) else origin[changed]


def _value(value: object) -> object:
    if isinstance(value, SecretReference):
        return value.read()
    if isinstance(value, BlockForm):
        return value.block()
    if isinstance(value, Mapping):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(inner) for inner in value]
    return value
