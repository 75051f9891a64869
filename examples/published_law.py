"""Fit the published English scores, and draw the figure: left minus right against size."""

from __future__ import annotations

import sys
from pathlib import Path

from hemiscale.analysis import read_published, scaling_law
from hemiscale.report import figures, save_figure


def main(folder: Path) -> None:
    """Print the law and write the figure into `folder`."""
    models = read_published().models
    law = scaling_law(models["n_parameters"], models["l_minus_r_rv"], family=list(models["family"]))
    print(f"left minus right, reliable voxels: {law.slope_per_tenfold:+.4f} per tenfold")
    print(f"r = {law.r:.2f}, p = {law.p:.1e}; crosses zero at {law.zero_crossing:.2g} parameters")

    rows = models.assign(
        label=models["model_name"],
        kind="trained",
        parameters=models["n_parameters"],
        left_minus_right=models["l_minus_r_rv"],
        left_minus_right_low=models["l_minus_r_rv"] - models["l_minus_r_rv_error"],
        left_minus_right_high=models["l_minus_r_rv"] + models["l_minus_r_rv_error"],
    )
    fit = {
        "slope": law.slope,
        "intercept": law.intercept,
        "zero_crossing": law.zero_crossing,
        "zero_crossing_low": law.zero_crossing_low,
        "zero_crossing_high": law.zero_crossing_high,
    }
    folder.mkdir(parents=True, exist_ok=True)
    figure = figures.asymmetry_law(rows, fit=fit, over="the digitisation")
    save_figure(figure, folder / "left-minus-right")
    print(folder / "left-minus-right.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "figures"))
