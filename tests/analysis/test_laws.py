import numpy as np
import pytest
from scipy import stats

from hemiscale.analysis import least_squares, read_published, scaling_law

SIZES = np.geomspace(1e8, 1.4e10, 28)
FAMILY = np.repeat([f"f{k}" for k in range(7)], 4)


def scores(seed=0, noise=0.003):
    generator = np.random.default_rng(seed)
    return 0.01 * np.log(SIZES) - 0.18 + generator.normal(0, noise, 28)


def test_law_is_scipys_regression_on_the_log():
    score = scores()
    law = scaling_law(SIZES, score)
    expected = stats.linregress(np.log(SIZES), score)
    assert law.slope == pytest.approx(expected.slope)
    assert law.intercept == pytest.approx(expected.intercept)
    assert law.slope_error == pytest.approx(expected.stderr)
    assert law.r == pytest.approx(expected.rvalue)
    assert law.p == pytest.approx(expected.pvalue)
    half = stats.t.ppf(0.975, 26) * expected.stderr
    assert (law.slope_low, law.slope_high) == pytest.approx((law.slope - half, law.slope + half))
    r_interval = stats.pearsonr(np.log(SIZES), score).confidence_interval()
    assert (law.r_low, law.r_high) == pytest.approx(tuple(r_interval))
    assert law.slope_per_tenfold == pytest.approx(stats.linregress(np.log10(SIZES), score).slope)
    assert law.notes == ()


def test_zero_crossing_is_a_size_with_an_interval():
    law = scaling_law(SIZES, scores())
    assert law.zero_crossing == pytest.approx(np.exp(-law.intercept / law.slope))
    assert law.zero_crossing_low < np.exp(18) < law.zero_crossing_high


def test_falling_score_has_a_negative_r_and_an_ordered_crossing():
    law = scaling_law(SIZES, -scores())
    assert law.r < 0
    assert law.zero_crossing_low < law.zero_crossing < law.zero_crossing_high


def test_linear_scale_takes_the_column_itself():
    perplexity = np.linspace(25, 5, 28)
    score = 0.3 - 0.003 * perplexity + np.random.default_rng(1).normal(0, 0.002, 28)
    law = scaling_law(perplexity, score, scale="linear")
    assert law.slope == pytest.approx(stats.linregress(perplexity, score).slope)
    assert np.isnan(law.slope_per_tenfold)
    assert law.comparison is None
    assert law.zero_crossing == pytest.approx(-law.intercept / law.slope)


def test_covariates_are_held_constant():
    generator = np.random.default_rng(2)
    width = np.log(SIZES) * 100 + generator.normal(0, 60, 28)
    score = scores() + 1e-4 * width
    law = scaling_law(SIZES, score, covariates={"width": width})
    # Partial correlation the long way round: correlate what the covariate leaves of both.
    rest = [
        v - np.polyval(np.polyfit(width, v, 1), width) for v in (np.log(SIZES), np.asarray(score))
    ]
    assert law.r == pytest.approx(np.corrcoef(*rest)[0, 1])
    assert law.covariates == ("width",)
    assert law.fit.coefficients[2] == pytest.approx(1e-4, rel=0.2)
    at_mean = law.predict([law.zero_crossing], covariates={"width": [width.mean()]})
    assert at_mean.score[0] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ValueError, match="covariates"):
        law.predict([1e9])


def test_prediction_covers_new_models():
    generator = np.random.default_rng(3)
    new, hits = np.array([7e10]), 0
    x = np.log(SIZES)
    for _ in range(400):
        law = scaling_law(SIZES[:5], 0.01 * x[:5] + generator.normal(0, 0.003, 5))
        found = law.predict(new)
        truth = 0.01 * np.log(new[0]) + generator.normal(0, 0.003)
        hits += found.low[0] <= truth <= found.high[0]
    assert 0.92 <= hits / 400 <= 0.98


@pytest.mark.parametrize(
    ("level", "slope", "least", "most"),
    [(0.0, 0.0, 0.935, 0.965), (1.0, 0.0, 0.91, 0.95), (1.0, 0.5, 0.78, 0.85)],
)
def test_prediction_of_a_new_family_holds_what_the_docs_say(level, slope, least, most):
    models = read_published().models
    x = np.log(models["n_parameters"].to_numpy(float))
    family = np.unique(models["family"].astype(str), return_inverse=True)[1]
    generator, hits, n = np.random.default_rng(4), 0, 1500
    design, far = np.column_stack([np.ones(28), x]), np.log(7e10)
    for _ in range(n):
        levels, slopes = generator.normal(0, level, 9), generator.normal(0, slope, 9)
        y = levels[family] + slopes[family] * (x - x.mean()) + generator.normal(size=28)
        _, low, high = least_squares(design, y).predict([[1.0, far]])
        new = levels[8] + slopes[8] * (far - x.mean()) + generator.normal()
        hits += low[0] <= new <= high[0]
    assert least <= hits / n <= most


def test_families_and_saturation_come_with_the_law():
    law = scaling_law(SIZES, scores(), family=FAMILY)
    assert law.families.n_families == 7
    bootstrap = law.families.bootstrap
    assert bootstrap.slope_low < law.slope < bootstrap.slope_high
    # Crossings are sizes, like those of the law itself.
    assert bootstrap.crossing_low < law.zero_crossing < bootstrap.crossing_high
    assert law.favoured == law.comparison.favoured


def test_models_without_a_value_are_left_out_and_counted():
    score = scores()
    score[3] = np.nan
    size = SIZES.copy()
    size[5] = np.nan
    law = scaling_law(size, score, family=FAMILY)
    known = np.isfinite(size * score)
    assert law.n_models == 26
    assert law.slope == pytest.approx(scaling_law(SIZES[known], score[known]).slope)
    assert law.notes[0].startswith("2 of 28 models left out")


def test_models_without_a_family_are_not_a_family():
    nowhere = scaling_law(SIZES, scores(), family=[None] * 28)
    plain = scaling_law(SIZES, scores())
    assert nowhere.families is None
    assert nowhere.notes == ("No model has a family: models count as independent.",)
    assert nowhere.slope_low == plain.slope_low
    for missing in (None, float("nan")):
        with pytest.raises(ValueError, match=r"2 of 28 models have no family \(first: model 1\)"):
            scaling_law(SIZES, scores(), family=[missing] * 2 + list(FAMILY[2:]))


def test_no_score_is_predicted_for_sizes_that_do_not_exist():
    law = scaling_law(SIZES, scores())
    for wrong in (0.0, -5.0):
        with pytest.raises(ValueError, match="sizes must be positive on the log scale, got"):
            law.predict([1e9, wrong])
    column = scaling_law(SIZES / 1e9, scores(), scale="linear")
    assert np.isfinite(column.predict([-5.0, 0.0]).score).all()
    assert np.isnan(law.predict(np.nan).score[0])


def nothing_said(law, *names):
    return all(np.isnan(getattr(law, name)) for name in names)


def test_no_and_one_model_have_no_law():
    for n in (0, 1):
        law = scaling_law(SIZES[:n], scores()[:n], family=FAMILY[:n])
        assert nothing_said(law, "slope", "intercept", "r", "p", "zero_crossing")
        assert "no law can be fitted" in law.notes[-1]
        assert np.isnan(law.predict(1e9).score).all()


def test_two_models_have_a_line_and_no_uncertainty():
    law = scaling_law([1e6, 1e7], [0.1, 0.2])
    assert law.slope_per_tenfold == pytest.approx(0.1)
    assert nothing_said(law, "slope_low", "slope_high", "r", "r_low", "p", "zero_crossing_low")
    assert "a line through 2 points" in law.notes[0]
    assert law.zero_crossing == pytest.approx(1e5)
    assert law.favoured == "undecided"


def test_three_models_have_an_interval_on_one_degree_of_freedom():
    law = scaling_law([1e6, 1e7, 1e8], [0.1, 0.2, 0.31])
    assert law.slope_low < law.slope < law.slope_high
    assert nothing_said(law, "r_low", "r_high")
    assert "3 models: a line through 3 points; its interval rests on 1 degree" in law.notes[0]


def test_equal_sizes_have_no_slope():
    law = scaling_law([1e6, 1e6, 1e6], [0.1, 0.2, 0.3])
    assert nothing_said(law, "slope", "r", "p")
    assert "same size" in law.notes[0]


def test_equal_scores_have_no_correlation():
    law = scaling_law(SIZES, np.full(28, 0.2), family=FAMILY)
    assert law.slope == pytest.approx(0.0, abs=1e-12)
    assert nothing_said(law, "r", "p")
    assert law.comparison is None


def test_one_family_two_families_and_families_of_one():
    assert "one family" in scaling_law(SIZES, scores(), family=["a"] * 28).notes[0]
    two = scaling_law(SIZES, scores(), family=["a", "b"] * 14)
    assert two.families is None
    assert "Models of 2 families" in two.notes[0]
    alone = scaling_law(SIZES, scores(), family=[str(k) for k in range(28)])
    assert "cannot be told from models" in alone.notes[0]


def test_four_families_have_a_random_effect_and_no_bootstrap():
    law = scaling_law(SIZES, scores(), family=np.repeat(list("abcd"), 7))
    assert np.isfinite(law.families.mixed.slope_low)
    assert np.isnan(law.families.bootstrap.slope_low)
    assert any("too few to resample" in note for note in law.notes)


def test_linear_scale_has_families_too():
    law = scaling_law(np.log(SIZES), scores(), family=FAMILY, scale="linear")
    bootstrap = law.families.bootstrap
    assert bootstrap.crossing_low < law.zero_crossing < bootstrap.crossing_high


def test_a_perfect_line_has_r_one():
    law = scaling_law([np.e, np.e**2, np.e**3], [1.0, 2.0, 3.0])
    assert law.r == pytest.approx(1.0)
    assert law.p == pytest.approx(0.0, abs=1e-6)


def test_a_flat_law_says_that_the_crossing_has_no_bound():
    law = scaling_law(SIZES, np.random.default_rng(4).normal(0.2, 0.01, 28))
    assert law.zero_crossing_high == np.inf
    assert law.zero_crossing_low == 0.0
    assert any("no bound" in note for note in law.notes)


def test_covariates_that_follow_size_are_named():
    law = scaling_law(SIZES, scores(), covariates={"log size": np.log(SIZES)})
    assert nothing_said(law, "slope")
    assert "log size" in law.notes[0]
    few = scaling_law(SIZES[:2], scores()[:2], covariates={"width": [1.0, 3.0]})
    assert "too few" in few.notes[0]
    tight = scaling_law(
        SIZES[:5], scores()[:5], covariates={"a": [1.0, 2, 4, 3, 1], "b": [1.0, 0, 1, 5, 2]}
    )
    assert "degrees of freedom" in tight.notes[0]


def test_wrong_shapes_sizes_and_scales_are_refused():
    with pytest.raises(ValueError, match="one value per model"):
        scaling_law(SIZES, scores()[:5])
    with pytest.raises(ValueError, match="one value per model"):
        scaling_law(SIZES, scores(), family=["a"])
    with pytest.raises(ValueError, match="positive"):
        scaling_law([0.0, 1e6], [0.1, 0.2])
    with pytest.raises(ValueError, match="scale"):
        scaling_law(SIZES, scores(), scale="log10")
