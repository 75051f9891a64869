"""Write docs/published.md: the paper's printed numbers beside ours, and what more can be said.

Usage: python tools/published_numbers.py [FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from hemiscale.analysis import ScalingLaw, least_squares, scaling_law
from hemiscale.analysis.families import bootstrap_over_families, mixed_fit
from hemiscale.analysis.family_robust import robust_line
from hemiscale.analysis.published import Published, compare_with_published, read_published

RESPONSES = {
    "corr_all": "score, all voxels",
    "corr_rv": "score, reliable voxels",
    "l_minus_r_all": "left − right, all voxels",
    "l_minus_r_rv": "left − right, reliable voxels",
    "l_minus_r_p90": "left − right, 90th percentile",
}
NEW_SIZE = 7e10

WHY_NOT = {
    "l_minus_r_rv over ceiling": "needs the ceiling of every voxel",
    "slope of l_minus_r": "needs the scores of every parcel",
    "mean corr over models": "needs the scores of every parcel",
    "l_minus_r": "needs the scores of the baselines",
    "count": "needs the mask and the reliability of every voxel",
}


def main() -> None:
    """Write the page."""
    default = Path(__file__).resolve().parents[1] / "docs" / "published.md"
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    target.write_text(page(read_published()).rstrip() + "\n", encoding="utf-8", newline="\n")


def page(published: Published) -> str:
    """Lay out the whole page."""
    return compared_part(published) + added_part(published) + simulated_part(published)


def compared_part(published: Published) -> str:
    """Put every printed number beside ours."""
    lines = compare_with_published(published)
    compared = lines[lines["agrees"].notna()]
    agree = int(compared["agrees"].astype(bool).sum())
    return paragraphs(
        "# The paper's numbers and ours",
        "Made by `tools/published_numbers.py`. Source of the published numbers: Bonnasse-Gahot & "
        "Pallier, NeurIPS 2024, and its notebooks; the scores of the 28 English models are "
        "digitised from the figures, each with its half-width of error "
        "(`src/hemiscale/datasets/published`). Only models' scores are digitised: nothing here "
        "recomputes a brain score.",
        "A line *agrees* when ours and theirs differ by no more than half of the last printed "
        "digit plus the reach, the largest change in ours over 4,000 draws of the scores within "
        f"their digitisation error. **{agree} of {len(compared)} numbers agree.**",
        "## Correlations over models",
        correlations(compared),
        "## Regressions on size, depth and width",
        "log(n_parameters) (natural), n_layers + 1, n_hid, constant; 28 models; ordinary least "
        "squares. Standard errors in brackets; the reach is that of the coefficient.",
        regressions(compared),
        "## Printed, but not to be had from the digitised scores",
        not_compared(lines[lines["agrees"].isna()]),
    )


def added_part(published: Published) -> str:
    """Say what better methods add on the same numbers."""
    models = published.models
    laws = {
        name: scaling_law(models["n_parameters"], models[name], family=list(models["family"]))
        for name in RESPONSES
    }
    return paragraphs(
        "# What better methods add, on the same numbers",
        "All scores here are the published ones, with each voxel's best layer chosen by its test "
        "score; what that choice adds for models with more layers cannot be taken out of them.",
        "## Models of one family are not independent",
        "28 models come from eight families. Slopes per tenfold of parameters, in units of r × "
        "1,000, with 95 % intervals. *Independent*: least squares, as published. *Random family*: "
        "a random intercept per family (REML; Student's interval with the degrees of freedom "
        "within families). *Over families*: errors robust to whatever models of one family have in "
        "common (CR2, Bell and McCaffrey's degrees of freedom), which also holds when families "
        "differ in slope. *Families resampled*: bootstrap over families (BCa, widened for eight "
        "of them). *Without one*: the lowest and highest slope when one family is left out, and "
        "which.",
        families(laws),
        "## Does it level off?",
        "Log-linear against a saturating power law. ΔAICc above zero speaks for saturation. Then "
        "the root mean squared errors (r × 1,000) on models left out one by one, and on whole "
        "families left out. A law is favoured only if all agree and ΔAICc is at least 2. ΔAICc "
        "takes models as independent, and stays close to 2: weak evidence either way.",
        saturation(laws),
        "## Where left minus right crosses zero",
        "Parameters at which the fitted line crosses zero. Intervals: Fieller's (models "
        "independent), over families, and families resampled. The smallest model has 124 M, so "
        "crossings below that are extrapolated.",
        crossings(laws),
        "## What a 70-billion-parameter model should score",
        "Log-linear law, with the interval for a new model (models independent). An "
        "extrapolation: the largest model here has 14 billion, and the laws that level off "
        "predict less.",
        predictions(laws),
        "## Size, or quality?",
        "Partial laws over the 28 models: the part of each predictor that the other does not "
        "explain (partial r, p with models as independent).",
        partial(models),
    )


def simulated_part(published: Published, n_cases: int = 1000) -> str:
    """Say how far the intervals can be trusted on this very design."""
    return paragraphs(
        "## Which interval to trust",
        f"{n_cases:,} simulated studies each, on the sizes and families of the 28 models, with no "
        "law planted: how many 95 % intervals of the slope hold zero (the Monte Carlo error is "
        f"±{196 * np.sqrt(0.95 * 0.05 / n_cases):.1f} %). The standard deviations between families "
        "(of level, and of slope per e-fold) are in units of that within families.",
        coverage(published.models, n_cases),
        "Only the robust interval over families can be trusted without knowing whether families "
        "differ in level, in slope or not at all; [calibration.md](calibration.md) shows the same "
        "on simulated brains.",
    )


def paragraphs(*parts: str) -> str:
    """Join paragraphs, with an empty line after each."""
    return "".join(part + "\n\n" for part in parts)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Lay out a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def yes_or_no(agrees: object) -> str:
    """Mark a line that does not agree."""
    return "yes" if agrees else "**no**"


def correlations(compared: pd.DataFrame) -> str:
    """Put printed r and p, ours beside theirs."""
    rows = []
    chosen = compared[compared["statistic"].isin(["r", "p"])]
    for row in chosen.itertuples():
        ours = f"{row.ours:.4f}" if row.statistic == "r" else f"{row.ours:.3g}"
        reach = f"{row.reach:.4f}" if row.statistic == "r" else f"{row.reach:.1g}"
        rows.append(
            [
                *(row.response, row.predictor, row.selection, row.statistic),
                *(row.theirs, ours, reach, yes_or_no(row.agrees)),
            ]
        )
    header = ["response", "predictor", "models", "", "theirs", "ours", "reach", "agrees"]
    return table(header, rows)


def regressions(compared: pd.DataFrame) -> str:
    """Put printed regressions, ours beside theirs; a coefficient and its error on one line."""
    rows = []
    chosen = compared[~compared["statistic"].isin(["r", "p"])]
    for response, lines in chosen.groupby("response", sort=False):
        found = lines.set_index("statistic")
        for name in ("r_squared", "f"):
            row = found.loc[name]
            label = {"r_squared": "R²", "f": "F"}[name]
            rows.append(
                [
                    *(str(response), label, row["theirs"], f"{row['ours']:.5g}"),
                    *(f"{row['reach']:.2g}", yes_or_no(row["agrees"])),
                ]
            )
        for term in ("const", "log n_parameters", "n_layers + 1", "n_hid"):
            value, error = (
                found.loc[f"coefficient of {term}"],
                found.loc[f"standard error of {term}"],
            )
            both = bool(value["agrees"]) and bool(error["agrees"])
            rows.append(
                [
                    *(str(response), term, f"{value['theirs']} ({error['theirs']})"),
                    *(f"{value['ours']:.4g} ({error['ours']:.3g})", f"{value['reach']:.2g}"),
                    yes_or_no(both),
                ]
            )
    return table(["response", "", "theirs", "ours", "reach", "agrees"], rows)


def not_compared(lines: pd.DataFrame) -> str:
    """List printed numbers that the digitised scores do not hold, and what they need."""
    rows = []
    for row in lines.itertuples():
        region = row.response.startswith("l_minus_r ") and row.response not in WHY_NOT
        why = "needs the scores of every region" if region else ""
        why = why or WHY_NOT.get(row.response) or WHY_NOT[row.statistic]
        what = row.predictor if row.statistic != "l_minus_r" else ""
        rows.append([row.statistic, row.response, what, row.selection, row.theirs, why])
    return table(["statistic", "response", "predictor", "selection", "theirs", "why not"], rows)


def families(laws: dict[str, ScalingLaw]) -> str:
    """Slopes with models independent, with families random, and with families resampled."""
    unit = 1000 * np.log(10)
    rows = []
    for name, law in laws.items():
        effect = law.families
        assert effect is not None
        mixed, boot = effect.mixed, effect.bootstrap
        lowest = min(effect.left_out, key=lambda family: effect.left_out[family])
        highest = max(effect.left_out, key=lambda family: effect.left_out[family])
        rows.append(
            [
                RESPONSES[name],
                interval(law.slope, law.slope_low, law.slope_high, unit),
                interval(mixed.slope, mixed.slope_low, mixed.slope_high, unit),
                f"{mixed.family_sd * 1000:.2f} / {mixed.residual_sd * 1000:.2f}",
                f"{effect.robust.slope_low * unit:.2f} to {effect.robust.slope_high * unit:.2f}",
                f"{boot.slope_low * unit:.2f} to {boot.slope_high * unit:.2f}",
                f"{effect.left_out[lowest] * unit:.2f} ({lowest}), "
                f"{effect.left_out[highest] * unit:.2f} ({highest})",
            ]
        )
    header = ["response", "independent", "random family", "SD between / within families"]
    return table([*header, "over families", "families resampled", "without one"], rows)


def interval(value: float, low: float, high: float, unit: float) -> str:
    """Format a value with its interval."""
    return f"{value * unit:.2f} ({low * unit:.2f} to {high * unit:.2f})"


def saturation(laws: dict[str, ScalingLaw]) -> str:
    """Compare log-linear and saturating laws."""
    rows = []
    for name, law in laws.items():
        found = law.comparison
        assert found is not None
        curve = found.saturating
        rows.append(
            [
                RESPONSES[name],
                f"{found.aicc_log_linear - found.aicc_saturating:.2f}",
                f"{found.error_log_linear * 1000:.3f}",
                f"{found.error_saturating * 1000:.3f}",
                f"{found.family_error_log_linear * 1000:.3f}",
                f"{found.family_error_saturating * 1000:.3f}",
                found.favoured,
                f"{curve.ceiling:.4f}" if curve.bounded else "none",
                f"{curve.exponent:.2f}" if curve.bounded else "none",
            ]
        )
    header = ["response", "ΔAICc", "log-linear", "saturating"]
    header += ["log-linear, families out", "saturating, families out"]
    return table([*header, "favoured", "ceiling", "exponent"], rows)


def crossings(laws: dict[str, ScalingLaw]) -> str:
    """Sizes at which left minus right crosses zero."""
    rows = []
    for name, law in laws.items():
        if not name.startswith("l_minus_r"):
            continue
        assert law.families is not None
        boot, robust = law.families.bootstrap, law.families.robust
        rows.append(
            [
                RESPONSES[name],
                f"{law.zero_crossing / 1e6:.0f} M",
                f"{law.zero_crossing_low / 1e6:.0f} to {law.zero_crossing_high / 1e6:.0f} M",
                f"{robust.crossing_low / 1e6:.0f} to {robust.crossing_high / 1e6:.0f} M",
                f"{boot.crossing_low / 1e6:.0f} to {boot.crossing_high / 1e6:.0f} M",
            ]
        )
    header = ["response", "crosses zero at", "independent", "over families"]
    return table([*header, "families resampled"], rows)


def predictions(laws: dict[str, ScalingLaw]) -> str:
    """Scores of a size that was not measured, by both laws."""
    rows = []
    for name, law in laws.items():
        found = law.predict(NEW_SIZE)
        assert law.comparison is not None
        curve = float(law.comparison.saturating(NEW_SIZE))
        expected = f"{found.score[0]:.4f} ({found.low[0]:.4f} to {found.high[0]:.4f})"
        rows.append([RESPONSES[name], expected, f"{curve:.4f}"])
    return table(["response", "log-linear", "saturating"], rows)


def partial(models: pd.DataFrame) -> str:
    """Laws of two predictors, each held constant for the other."""
    rows = []
    size = np.log(models["n_parameters"].to_numpy(float))
    for name, label in RESPONSES.items():
        for other in ("ppl", "hellaswag"):
            values = models[other].to_numpy(float)
            by_size = scaling_law(size, models[name], covariates={other: values}, scale="linear")
            by_other = scaling_law(values, models[name], covariates={"size": size}, scale="linear")
            rows.append(
                [
                    *(label, other, f"{by_size.r:.2f} ({by_size.p:.1g})"),
                    f"{by_other.r:.2f} ({by_other.p:.1g})",
                ]
            )
    header = ["response", "other", "log size, other held constant", "other, log size held constant"]
    return table(header, rows)


def coverage(models: pd.DataFrame, n_cases: int) -> str:
    """Simulate studies without a law, and count the intervals of the slope that hold zero."""
    generator = np.random.default_rng(0)
    x = np.log(models["n_parameters"].to_numpy(float))
    design = np.column_stack([np.ones(len(x)), x])
    labels = list(models["family"])
    group = np.unique(labels, return_inverse=True)[1]
    n_families = len(set(labels))
    rows = []
    for level, slope in ((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (2.0, 0.0), (0.5, 0.5), (1.0, 0.5)):
        held = np.zeros(4)
        for _ in range(n_cases):
            levels, slopes = generator.normal(size=(2, n_families)) * [[level], [slope]]
            score = levels[group] + slopes[group] * (x - x.mean()) + generator.normal(size=len(x))
            low, high = least_squares(design, score).interval()[1]
            mixed = mixed_fit(design, score, labels)
            robust = robust_line(design, score, labels)
            boot = bootstrap_over_families(design, score, labels, n_resamples=1000)
            held += [
                low <= 0 <= high,
                mixed.slope_low <= 0 <= mixed.slope_high,
                robust.slope_low <= 0 <= robust.slope_high,
                boot.slope_low <= 0 <= boot.slope_high,
            ]
        rows.append([f"{level:g}", f"{slope:g}", *(f"{100 * h / n_cases:.1f} %" for h in held)])
    header = ["SD of level", "SD of slope", "independent", "random family", "over families"]
    return table([*header, "families resampled"], rows)


if __name__ == "__main__":
    main()
