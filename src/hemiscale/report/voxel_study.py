"""What the captions of a voxel study share."""

from __future__ import annotations

from typing import Any

from hemiscale.report import numbers, tidy
from hemiscale.report.captions import Words
from hemiscale.report.load import Results

__all__ = ["MAP_FILES", "VoxelStudy", "describe_maps"]

MAP_FILES = "Values are those of the nearest voxel at the cortical surface (fsaverage5), inflated."


class VoxelStudy:
    """Whose scores a voxel study shows, and how its captions say so.

    Attributes
    ----------
    results : Results
    words : Words
    subjects : {"average", "listeners"}
        The average subject where it was scored.
    over : {"runs", "listeners"}
        What intervals are over.
    data, interval : str
        Sentences for captions.
    """

    def __init__(self, results: Results, words: Words) -> None:
        self.results, self.words = results, words
        self.subjects = "average" if results.has_average else "listeners"
        self.over = "runs" if self.subjects == "average" else results.listeners_over
        self.data = words.average_data if self.subjects == "average" else words.data
        runs = "Bars: 95 % interval over runs (corrected for what runs share)."
        self.interval = runs if self.over == "runs" else words.interval

    def law(
        self, response: str, predictor: str = "log parameters", **options: str
    ) -> dict[str, Any] | None:
        """Find the law of these subjects, as `find_law`."""
        return tidy.find_law(self.results, response, predictor, self.subjects, **options)


def describe_maps(rows: Any) -> str:
    """Tell the range of values of each map."""
    names = ", ".join(dict.fromkeys(rows["map"]))
    return f"{names}: values from {numbers.score(rows['value'].min())} to " + numbers.score(
        rows["value"].max()
    )
