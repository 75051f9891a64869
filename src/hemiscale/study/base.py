"""What all tables of a study file share: no unknown keys, and a few kinds of values."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Name", "NotNegative", "Paths", "PathsOrNone", "Point", "Positive", "Table", "twice"]


class Table(BaseModel):
    """A TOML table: no key but the declared ones, and no surprise conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Paths = Annotated[list[str], BeforeValidator(_one_or_many), Field(min_length=1)]
PathsOrNone = Annotated[list[str], BeforeValidator(_one_or_many)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Point = Annotated[
    tuple[float, float, float],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$", max_length=100)]


def twice(names: list[str]) -> list[str]:
    """Names that stand more than once, in alphabetical order."""
    return sorted({name for name in names if names.count(name) > 1})
