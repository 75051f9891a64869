import numpy as np
import pytest

from hemiscale.brain import (
    average_subject,
    clean_time_courses,
    framewise_displacement,
    read_motion,
)
from hemiscale.errors import InputError

T_R, N = 2.0, 362
TIME = np.arange(N) * T_R


def test_slow_drifts_go_and_fast_signal_stays():
    fast = np.sin(2 * np.pi * TIME / 30)
    slow = 50 + 3 * np.cos(2 * np.pi * TIME / 600) + TIME / 100
    cleaned = clean_time_courses(np.stack([fast + slow, fast], 1), T_R, high_pass=128)
    np.testing.assert_allclose(cleaned.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(cleaned.std(0, ddof=1), 1)
    assert np.corrcoef(cleaned[:, 0], fast)[0, 1] > 0.99


def test_equals_regression_on_cosines():
    data = np.random.default_rng(0).normal(size=(N, 3)).cumsum(0)
    order = int(np.floor(2 * N * T_R / 128))
    k = np.arange(order + 1)
    basis = np.cos(np.pi * k * (2 * np.arange(N)[:, None] + 1) / (2 * N))
    residual = data - basis @ np.linalg.lstsq(basis, data, rcond=None)[0]
    expected = residual / residual.std(0, ddof=1)
    cleaned = clean_time_courses(data, T_R, high_pass=128)
    np.testing.assert_allclose(cleaned, expected, atol=1e-8)


def test_zero_cut_off_only_detrends():
    data = np.random.default_rng(0).normal(size=(N, 1)) + TIME[:, None]
    cleaned = clean_time_courses(data, T_R, high_pass=0)
    assert abs(np.polyfit(TIME, cleaned[:, 0], 1)[0]) < 1e-10


def test_average_subject_is_standardised_mean():
    subjects = np.random.default_rng(0).normal(size=(4, 50, 2))
    mean = average_subject(list(subjects))
    np.testing.assert_allclose(mean.std(0, ddof=1), 1)
    for region in range(2):
        r = np.corrcoef(mean[:, region], subjects[:, :, region].mean(0))[0, 1]
        assert r == pytest.approx(1)


def test_framewise_displacement_closed_form():
    parameters = np.zeros((3, 6))
    parameters[1, 0] = 0.5
    parameters[2] = [0.5, 0, 0, 0.01, 0, 0]
    np.testing.assert_allclose(framewise_displacement(parameters), [0.5, 0.5])


def test_motion_files(tmp_path):
    path = tmp_path / "rp.txt"
    np.savetxt(path, np.arange(24).reshape(4, 6))
    assert read_motion(path, skip_rows=1).shape == (3, 6)
    np.savetxt(path, np.zeros((4, 5)))
    with pytest.raises(InputError, match="5 columns where 6"):
        read_motion(path)
    path.write_text("a b\n")
    with pytest.raises(InputError, match="not a table"):
        read_motion(path)
    with pytest.raises(InputError, match="no such file"):
        read_motion(tmp_path / "none.txt")
