"""Secrets of the estate file: never written in it, only where they are found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from blocks.errors import ConfigurationError

HOW_TO_REFER = "write {env: NAME} or {file: PATH} and put the secret there"
_FOR_OTHERS = 0o077


class SecretReference(BaseModel):
    """Where one secret is found: in an environment variable or in a file."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["env"]}, {"required": ["file"]}]},
    )

    env: str = Field(default="", description="Name of the environment variable that holds it.")
    file: str = Field(
        default="", description="File that holds it; a relative path starts at the estate file."
    )

    @model_validator(mode="before")
    @classmethod
    def _is_a_reference(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            # The value itself is never repeated: it ends in terminals and CI logs.
            raise PydanticCustomError(
                "secret_written_out", "a secret is written out in the file", {"hint": HOW_TO_REFER}
            )
        if ("env" in value) == ("file" in value):
            raise PydanticCustomError(
                "secret_reference", "wants exactly one of env and file", {"hint": HOW_TO_REFER}
            )
        return value

    @field_validator("file")
    @classmethod
    def _from_the_estate_file(cls, file: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder", Path())
        return str(folder / Path(file).expanduser()) if file else ""

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"file {self.file}"

    def read(self) -> SecretStr:
        """Return the secret, without the white space around it.

        Raises:
            ConfigurationError: The variable is not set, the file missing, unreadable or empty.
        """
        text = os.environ.get(self.env) if self.env else self._file_content()
        if text is None:
            raise ConfigurationError(
                str(self),
                "is not set",
                f"set it, for example: read -rs {self.env} && export {self.env}",
            )
        if not text.strip():
            raise ConfigurationError(str(self), "is empty", "put the secret into it")
        # A private key without its final newline is refused by some readers.
        return SecretStr(text.strip() + "\n" if "-----BEGIN" in text else text.strip())

    def is_open_to_others(self) -> bool:
        """Return whether the secret lies in a file that other users of this machine may read."""
        return bool(self.file) and bool(Path(self.file).stat().st_mode & _FOR_OTHERS)

    def _file_content(self) -> str:
        try:
            return Path(self.file).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            hint = "create it, or correct the path"
            raise ConfigurationError(str(self), "does not exist", hint) from error
        except (OSError, UnicodeDecodeError) as error:
            hint = f"look at it: ls -l {self.file}"
            raise ConfigurationError(str(self), "cannot be read", hint) from error
