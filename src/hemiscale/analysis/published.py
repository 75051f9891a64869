"""The paper's printed statistics, recomputed from the scores digitised from its figures.

The digitised scores are known up to a half-width each, and printed numbers up to their last digit.
A statistic comes back when ours and theirs differ by no more than these two together allow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hemiscale.analysis.laws import scaling_law

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Published", "compare_with_published", "digitisation_reach", "read_published"]

_LINE = re.compile(r"(?P<count>\d+) models(?: above (?P<size>\S+))?")


@dataclass(frozen=True)
class Published:
    """The published numbers.

    Attributes
    ----------
    models : DataFrame
        28 models: properties, digitised scores and their half-widths.
    statistics : DataFrame
        Printed statistics: statistic, response, predictor, selection, value (text, as printed),
        printed_in.
    regressions : DataFrame
        Printed regressions: response, term, value, standard_error (text, as printed).
    """

    models: pd.DataFrame
    statistics: pd.DataFrame
    regressions: pd.DataFrame


def read_published() -> Published:
    """Read the published numbers that ship with the package."""
    import pandas as pd

    folder = files("hemiscale").joinpath("datasets", "published")

    def read(name: str, *, as_printed: bool) -> pd.DataFrame:
        with folder.joinpath(name).open(encoding="utf-8") as file:
            if as_printed:
                return pd.read_csv(file, dtype=str, keep_default_na=False)
            return pd.read_csv(file)

    return Published(
        models=read("published_en.csv", as_printed=False),
        statistics=read("published_stats.csv", as_printed=True),
        regressions=read("published_regressions.csv", as_printed=True),
    )


def compare_with_published(published: Published) -> pd.DataFrame:
    """Recompute every printed statistic that the digitised scores allow.

    Parameters
    ----------
    published : Published

    Returns
    -------
    DataFrame
        One row per printed number: `statistic`, `response`, `predictor`, `selection`, `theirs` (as
        printed), `ours`, `reach` (how far ours moves within the digitisation error), `agrees`
        (True, False, or None where the digitised scores do not hold what is needed).
    """
    import pandas as pd

    rows = [
        _statistic_row(published.models, {str(name): str(value) for name, value in row.items()})
        for row in published.statistics.to_dict("records")
    ]
    for response, table in published.regressions.groupby("response", sort=False):
        rows += _regression_rows(published.models, str(response), table)
    return pd.DataFrame(rows)


def digitisation_reach(
    design: NDArray[np.float64],
    score: NDArray[np.float64],
    error: NDArray[np.float64],
    *,
    n_draws: int = 4000,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """See how far the digitisation error can move a regression.

    Parameters
    ----------
    design : (n, p) array
        The first column is the constant.
    score, error : (n,) arrays
        Digitised scores and their half-widths; each is moved anywhere within, independently.
    n_draws, seed : int

    Returns
    -------
    dict of arrays
        The largest change seen in ``coefficients`` (p,), ``errors`` (p,), ``r_squared`` (), ``f``
        (), ``r`` () of the second column (partial) and ``log10_p`` () of its coefficient.
    """
    generator = np.random.default_rng(seed)
    moved = score + error * generator.uniform(-1, 1, (n_draws, len(score)))
    fitted = _fit_many(design, np.vstack([score, moved]))
    return {name: np.abs(values[1:] - values[0]).max(axis=0) for name, values in fitted.items()}


def _fit_many(
    design: NDArray[np.float64], scores: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Fit one design to many (m, n) rows of scores at once."""
    n, p = design.shape
    scale = np.sqrt((design**2).sum(axis=0))
    inverse = np.linalg.pinv(design / scale) / scale[:, None]
    coefficients = scores @ inverse.T
    rest = ((scores - coefficients @ design.T) ** 2).sum(axis=1)
    total = ((scores - scores.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    errors = np.sqrt(rest / (n - p))[:, None] * np.sqrt((inverse**2).sum(axis=1))
    t = coefficients[:, 1] / errors[:, 1]
    return {
        "coefficients": coefficients,
        "errors": errors,
        "r_squared": 1 - rest / total,
        "f": ((total - rest) / (p - 1)) / (rest / (n - p)),
        "r": t / np.sqrt(t**2 + n - p),
        "log10_p": (np.log(2) + stats.t.logsf(np.abs(t), n - p)) / np.log(10),
    }


def _statistic_row(models: pd.DataFrame, printed: dict[str, str]) -> dict[str, object]:
    response, predictor = printed["response"], printed["predictor"]
    row: dict[str, object] = {
        "statistic": printed["statistic"],
        "response": response,
        "predictor": predictor,
        "selection": printed["selection"],
        "theirs": printed["value"],
        "ours": np.nan,
        "reach": np.nan,
        "agrees": None,
    }
    column = predictor.removeprefix("log ")
    selection = _LINE.fullmatch(printed["selection"])
    known = response in models and column in models and selection is not None
    if printed["statistic"] not in {"r", "p"} or not known or selection is None:
        return row
    chosen = models
    if selection["size"]:
        chosen = models[models["n_parameters"] > float(selection["size"])]
    if len(chosen) != int(selection["count"]):
        raise ValueError(
            f"{printed['selection']!r} should be {selection['count']} models, not {len(chosen)}"
        )
    x, score = chosen[column].to_numpy(float), chosen[response].to_numpy(float)
    scale = "log" if predictor.startswith("log ") else "linear"
    law = scaling_law(x, score, scale=scale)
    reach = digitisation_reach(
        np.column_stack([np.ones(len(x)), np.log(x) if scale == "log" else x]),
        score,
        chosen[f"{response}_error"].to_numpy(float),
    )
    theirs = float(printed["value"])
    if printed["statistic"] == "r":
        row["ours"], row["reach"] = law.r, float(reach["r"])
        row["agrees"] = _agrees(law.r, theirs, float(reach["r"]), _half_digit(printed["value"]))
    else:
        # p runs over many orders of magnitude: its logarithm is compared.
        moves = float(reach["log10_p"])
        row["ours"], row["reach"] = law.p, law.p * (10**moves - 1)
        last_digit = _half_digit(printed["value"]) / theirs / np.log(10)
        row["agrees"] = _agrees(np.log10(law.p), np.log10(theirs), moves, last_digit)
    return row


def _regression_rows(
    models: pd.DataFrame, response: str, printed: pd.DataFrame
) -> list[dict[str, object]]:
    size, score = models["n_parameters"].to_numpy(float), models[response].to_numpy(float)
    covariates = {
        "n_layers + 1": models["n_layers"].to_numpy(float) + 1,
        "n_hid": models["n_hid"].to_numpy(float),
    }
    law = scaling_law(size, score, covariates=covariates)
    if law.fit is None:
        raise ValueError(f"the regression of {response} has no unique fit")
    reach = digitisation_reach(
        np.column_stack([np.ones(len(size)), np.log(size), *covariates.values()]),
        score,
        models[f"{response}_error"].to_numpy(float),
    )
    terms = ["const", "log n_parameters", *covariates]
    rows: list[dict[str, object]] = []

    def add(statistic: str, theirs: str, ours: float, moves: float) -> None:
        rows.append(
            {
                "statistic": statistic,
                "response": response,
                "predictor": "log n_parameters, n_layers + 1, n_hid",
                "selection": f"{len(models)} models",
                "theirs": theirs,
                "ours": float(ours),
                "reach": float(moves),
                "agrees": _agrees(ours, float(theirs), moves, _half_digit(theirs)),
            }
        )

    for term, value, error in zip(
        printed["term"], printed["value"], printed["standard_error"], strict=True
    ):
        if term not in terms:
            add(term, value, {"r_squared": law.r_squared, "f": law.f}[term], float(reach[term]))
            continue
        k = terms.index(term)
        moves = float(reach["coefficients"][k]), float(reach["errors"][k])
        add(f"coefficient of {term}", value, law.fit.coefficients[k], moves[0])
        add(f"standard error of {term}", error, law.fit.errors[k], moves[1])
    return rows


def _agrees(ours: float, theirs: float, reach: float, last_digit: float) -> bool:
    return bool(abs(ours - theirs) <= reach + last_digit * (1 + 1e-9))


def _half_digit(printed: str) -> float:
    """Half a unit of the last digit that is printed, as in 0.0095 (5e-5) or 1.2e-12 (5e-14)."""
    mantissa, _, exponent = printed.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - decimals)
