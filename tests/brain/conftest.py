import nibabel
import numpy as np
import pytest


@pytest.fixture
def make_image():
    """NIfTI from an array; 4 mm, x = 0 in the middle of the first axis, TR 2 s where it is 4D."""

    def make(data, affine=None, t_r=2.0):
        data = np.asarray(data)
        if affine is None:
            affine = np.diag([4.0, 4.0, 4.0, 1.0])
            affine[:3, 3] = [-2.0 * (n - 1) for n in data.shape[:3]]
        if data.dtype == bool:
            data = data.astype(np.uint8)
        image = nibabel.Nifti1Image(data, affine)
        image.header.set_xyzt_units("mm", "sec")
        if data.ndim == 4:
            image.header.set_zooms((*image.header.get_zooms()[:3], t_r))
        return image

    return make
