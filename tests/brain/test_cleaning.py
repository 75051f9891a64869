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


def test_butterworth_is_what_the_paper_used():
    """NiftiMasker(detrend=True, high_pass=1/128, t_r=2) hands its scans to this filter."""
    from scipy.signal import butter, detrend, sosfiltfilt

    data = np.random.default_rng(0).normal(size=(N, 3)).cumsum(0)
    sections = butter(5, 1 / 128, "highpass", fs=1 / T_R, output="sos")
    filtered = sosfiltfilt(sections, detrend(data, axis=0), axis=0)
    filtered -= filtered.mean(0)
    cleaned = clean_time_courses(data, T_R, high_pass=128, drift="butterworth")
    for k in range(3):
        # The two differ in how they pad the ends; within, they are one filter.
        assert np.corrcoef(cleaned[40:-40, k], filtered[40:-40, k])[0, 1] > 0.999


def test_confounds_go_and_their_mean_does_not_matter():
    rng = np.random.default_rng(0)
    motion, signal = rng.normal(size=(N, 2)), np.sin(TIME / 3)
    data = (signal + motion @ [3.0, -2.0])[:, None]
    for shift in (0.0, 1000.0):
        confounds = np.column_stack([motion + shift, np.ones(N)])
        cleaned = clean_time_courses(data, T_R, high_pass=128, confounds=confounds)
        assert np.corrcoef(cleaned[:, 0], signal)[0, 1] > 0.99
        assert abs(cleaned[:, 0] @ (motion[:, 0] - motion[:, 0].mean())) / N < 0.02


def test_confounds_must_fit():
    data = np.random.default_rng(0).normal(size=(N, 1))
    with pytest.raises(ValueError, match=r"confounds are \(3, 2\) where \(362, n\)"):
        clean_time_courses(data, T_R, high_pass=128, confounds=np.ones((3, 2)))
    many = np.random.default_rng(0).normal(size=(N, N))
    with pytest.raises(ValueError, match="leave nothing"):
        clean_time_courses(data, T_R, high_pass=128, confounds=many)
    only_constant = clean_time_courses(data, T_R, high_pass=128, confounds=np.ones((N, 1)))
    np.testing.assert_allclose(only_constant, clean_time_courses(data, T_R, high_pass=128))


def test_average_takes_subjects_as_they_come():
    subjects = np.random.default_rng(0).normal(size=(5, 50, 2)).astype(np.float32)
    held = []

    def arriving():
        for subject in subjects:
            held.append(len(held))
            yield subject

    mean = average_subject(arriving())
    assert (len(held), mean.dtype) == (5, np.float64)
    np.testing.assert_allclose(mean, average_subject(list(subjects)))
    with pytest.raises(ValueError, match="no subject"):
        average_subject([])
    with pytest.raises(ValueError, match=r"subject 2 is \(3, 2\) where the others are \(50, 2\)"):
        average_subject([subjects[0], subjects[1][:3]])
