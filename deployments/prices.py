"""Read the file of prices."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from blocks.errors import ConfigurationError
from flows.decisions.cost import PriceList

FILE = Path(__file__).with_name("prices.yaml")


@cache
def read_prices(path: Path = FILE) -> tuple[PriceList, tuple[dict[str, Any], ...]]:
    """Return the prices, and the study's own table: title, low, high, note, what stands beside.

    Raises:
        ConfigurationError: The file cannot be read, or an entry is wrong.
    """
    try:
        # Amounts stay text until they are decimals: no binary fractions of a cent.
        data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        study = tuple(
            {"note": "", "beside": "", "offer": ""} | dict(each) for each in data.pop("study")
        )
        data["current"] = f"P{data.pop('current_days')}D"
        for each in data["storages"]:
            if each.get("egress_free") == "all":
                each["egress_free"] = None
        return TypeAdapter(PriceList).validate_python(_decimals(data)), study
    except (OSError, YAMLError, KeyError, TypeError, AttributeError, ValidationError) as error:
        cause = f"cannot be used: {str(error).splitlines()[0]}"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            cause = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ConfigurationError(
            f"prices {path.name}", cause, f"correct it: {path.name}"
        ) from error


def _decimals(value: object) -> object:
    if isinstance(value, dict):
        return {key: _decimals(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_decimals(each) for each in value]
    return Decimal(str(value)) if isinstance(value, float) else value
