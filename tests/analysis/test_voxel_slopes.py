import numpy as np
import pytest

from hemiscale.analysis import (
    asymmetry_slope_maps,
    false_discovery_rate,
    scaling_law,
    slope_maps,
)

SIZES = np.geomspace(1e8, 1e10, 12)


@pytest.fixture
def scores():
    generator = np.random.default_rng(0)
    slopes = np.where(np.arange(40) < 10, 0.01, 0.0)
    return np.log(SIZES)[:, None] * slopes + generator.normal(0, 0.01, (12, 40))


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_every_voxel_is_a_scaling_law(scores, scale):
    x = SIZES if scale == "log" else np.log(SIZES)
    found = slope_maps(x, scores, scale=scale)
    for k in (0, 15):
        law = scaling_law(x, scores[:, k], scale=scale)
        assert found.slope[k] == pytest.approx(law.slope)
        assert found.error[k] == pytest.approx(law.slope_error)
        assert found.intercept[k] == pytest.approx(law.intercept)
        assert found.r[k] == pytest.approx(law.r)
        assert found.p[k] == pytest.approx(law.p)
    np.testing.assert_allclose(found.q, false_discovery_rate(found.p))
    assert found.slope.mean() == pytest.approx(scaling_law(x, scores.mean(1), scale=scale).slope)


def test_asymmetry_finds_the_planted_pairs(scores):
    found = asymmetry_slope_maps(SIZES, scores, (np.arange(20), np.arange(20, 40)))
    assert found.slope.shape == (20,)
    assert (found.q[:10] < 0.05).sum() >= 8
    assert (found.q[10:] < 0.05).sum() <= 1


def test_poor_input_gives_nan(scores):
    scores[3, 5] = np.nan
    found = slope_maps(SIZES, scores)
    assert np.isnan([found.slope[5], found.p[5], found.q[5]]).all()
    assert np.isfinite(found.q[6])
    assert np.isnan(slope_maps(np.full(12, 1e8), scores).slope).all()
    assert np.isnan(slope_maps(SIZES[:1], scores[:1]).slope).all()
    two = slope_maps(SIZES[[0, 6]], scores[[0, 6]])
    assert np.isfinite(two.slope[0])
    assert np.isnan([two.error[0], two.r[0], two.p[0]]).all()
    flat = slope_maps(SIZES, np.full((12, 1), 0.25))
    assert flat.slope[0] == 0.0
    assert np.isnan([flat.p[0], flat.r[0]]).all()


def test_a_model_without_a_size_is_left_out_and_counted(scores):
    family = list("aaaabbbbcccc")
    size = SIZES.copy()
    size[2] = np.nan
    known = np.isfinite(size)
    found = slope_maps(size, scores, family=family)
    rest = slope_maps(SIZES[known], scores[known], family=np.array(family)[known])
    np.testing.assert_array_equal(found.slope, rest.slope)
    np.testing.assert_array_equal(found.p, rest.p)
    assert found.n_models == rest.n_models == 11
    assert found.notes == ("1 of 12 models left out: their size is not known.",)
    assert rest.notes == ()
    assert "No slopes" in slope_maps(np.full(12, np.nan), scores).notes[-1]
    pairs = asymmetry_slope_maps(size, scores, (np.arange(20), np.arange(20, 40)))
    assert pairs.n_models == 11


def test_wrong_input_is_refused(scores):
    with pytest.raises(ValueError, match="must be"):
        slope_maps(SIZES, scores[:5])
    with pytest.raises(ValueError, match="positive"):
        slope_maps(np.zeros(12), scores)
    with pytest.raises(ValueError, match="scale"):
        slope_maps(SIZES, scores, scale="log10")
    with pytest.raises(ValueError, match="3 families for 12 models"):
        slope_maps(SIZES, scores, family=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"1 of 12 models have no family \(first: model 12\)"):
        slope_maps(SIZES, scores, family=["a"] * 11 + [None])
