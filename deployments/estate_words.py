"""The words of the estate file that several entries share: names, addresses, domains, paths."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from deployments.block_forms import NAME_PATTERN

_HOST_NAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise PydanticCustomError(
            "address",
            "'{text}' is not an IP address",
            {"text": text, "hint": "write the IPv4 or IPv6 address: a recovery must not need DNS"},
        ) from error


def _domain(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise PydanticCustomError(
            "domain",
            "'{text}' is not a host name",
            {"text": text, "hint": "write it like www.example.org: lower case, without http://"},
        )
    return text


def _mail_address(text: str) -> str:
    if not _MAIL_ADDRESS.fullmatch(text):
        raise PydanticCustomError(
            "mail_address",
            "'{text}' is not a mail address",
            {"text": text, "hint": "write it like anne@example.org, without a name around it"},
        )
    return text


def _absolute_path(text: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or path == PurePosixPath("/") or ".." in path.parts:
        raise PydanticCustomError(
            "absolute_path",
            "'{text}' is not an absolute path below /",
            {"text": text, "hint": "write it from the root, like /srv/shop"},
        )
    return str(path)


_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?=.{1,255}$)([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")

MailAddress = Annotated[str, AfterValidator(_mail_address)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Address = Annotated[str, AfterValidator(_address)]
Domain = Annotated[str, AfterValidator(_domain)]
AbsolutePath = Annotated[str, AfterValidator(_absolute_path)]
DatabaseName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_$-]{1,64}$")]
