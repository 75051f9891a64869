"""Small helpers on data frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["each_row", "row_of_largest", "rows_of_largest"]


def each_row(table: pd.DataFrame) -> Iterator[Any]:
    """Go through the rows, each with its columns as attributes.

    Parameters
    ----------
    table : DataFrame
        Its column names are Python identifiers.

    Yields
    ------
    row
        What a column holds is known to whoever made the table, not to a type checker.
    """
    yield from table.itertuples(index=False)


def row_of_largest(table: pd.DataFrame, column: str) -> Any:
    """Find the row with the largest value of a column; the first of several."""
    place: Any = table[column].idxmax()
    return table.loc[place]


def rows_of_largest(table: pd.DataFrame, column: str, *, of_each: str) -> pd.DataFrame:
    """Find, for each value of another column, the row with the largest value of a column."""
    return table.loc[table.groupby(of_each, sort=False)[column].idxmax()]
