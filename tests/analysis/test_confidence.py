"""Confidence is a share: 95 is refused by everything that takes it."""

import inspect
import re

import numpy as np
import pytest

import hemiscale.analysis as analysis

SIZES = np.geomspace(1e8, 1e10, 8)
X = np.log(SIZES)
SCORES = 0.01 * X + np.random.default_rng(0).normal(0, 0.003, 8)
DESIGN = np.column_stack([np.ones(8), X])
FAMILY = list("aabbccdd")
BY_UNIT = SCORES[:, None] + np.random.default_rng(1).normal(0, 0.003, (8, 5))

CALLS = {
    "LeastSquares.interval": lambda c: analysis.least_squares(DESIGN, SCORES).interval(c),
    "LeastSquares.predict": lambda c: analysis.least_squares(DESIGN, SCORES).predict(DESIGN, c),
    "ScalingLaw.predict": lambda c: analysis.scaling_law(SIZES, SCORES).predict(1e11, confidence=c),
    "asymmetry": lambda c: analysis.asymmetry(BY_UNIT[None, :1], ([0], [1]), confidence=c),
    "asymmetry_index": lambda c: analysis.asymmetry_index(-SCORES, SCORES, confidence=c),
    "bootstrap_over_families": lambda c: analysis.bootstrap_over_families(
        DESIGN, SCORES, FAMILY, confidence=c
    ),
    "family_effect": lambda c: analysis.family_effect(DESIGN, SCORES, FAMILY, confidence=c),
    "fieller_crossing": lambda c: analysis.fieller_crossing(0.1, 0.0, np.eye(2), 3, c),
    "interval_over_listeners": lambda c: analysis.interval_over_listeners(SCORES, confidence=c),
    "interval_over_runs": lambda c: analysis.interval_over_runs(SCORES, SCORES, confidence=c),
    "line_over_families_and_listeners": lambda c: analysis.line_over_families_and_listeners(
        X, BY_UNIT, FAMILY, confidence=c
    ),
    "line_over_runs": lambda c: analysis.line_over_runs(X, BY_UNIT, BY_UNIT, confidence=c),
    "mixed_fit": lambda c: analysis.mixed_fit(DESIGN, SCORES, FAMILY, confidence=c),
    "relation_to_reliability": lambda c: analysis.relation_to_reliability(
        BY_UNIT.T, SCORES, confidence=c
    ),
    "rise_of": lambda c: analysis.rise_of(SIZES, BY_UNIT, confidence=c),
    "robust_line": lambda c: analysis.robust_line(DESIGN, SCORES, FAMILY, confidence=c),
    "scaling_law": lambda c: analysis.scaling_law(SIZES[:1], SCORES[:1], confidence=c),
    "t_interval": lambda c: analysis.t_interval(SCORES, confidence=c),
}


def takes_confidence():
    for name in analysis.__all__:
        one = getattr(analysis, name)
        if inspect.isfunction(one):
            functions = {name: one}
        else:
            functions = {f"{name}.{k}": v for k, v in vars(one).items() if inspect.isfunction(v)}
        for full, function in functions.items():
            if "confidence" in inspect.signature(function).parameters:
                yield full


def test_every_public_function_with_a_confidence_is_tried_here():
    assert sorted(takes_confidence()) == sorted(CALLS)


@pytest.mark.parametrize("wrong", [95, 1.0, 0.0, -0.95, float("nan")])
@pytest.mark.parametrize("name", CALLS)
def test_a_confidence_that_is_no_share_is_refused(name, wrong):
    said = f"confidence must be a share between 0 and 1 (such as 0.95), got {wrong!r}"
    with pytest.raises(ValueError, match=re.escape(said)):
        CALLS[name](wrong)


@pytest.mark.parametrize("name", CALLS)
def test_other_confidences_are_taken(name):
    CALLS[name](0.8)
