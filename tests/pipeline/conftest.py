"""A tiny study of volumes on disk: the left half of an egg-shaped brain follows the word rate."""

import json

import nibabel
import numpy as np
import pandas as pd
import pytest

VOLUME_STUDY = """\
name = "tiny-volumes"
simulated = true

[stimulus]
words = "words.csv"
sections = [1, 2, 3]

[recordings]
kind = "bids"
folder = "derivatives"
task = "story"
mask = "mask.nii.gz"
ceiling_splits = 2

[recordings.spheres]
middle = [-16, 0, 0]

[baselines]
word_rate = true
random_vectors = { dimensions = [10], seeds = 2 }
"""

SHAPE = (13, 11, 9)
RUNS = (3, 7, 12)  # numbers in the file names: neither from 1 nor without gaps


def egg(shape=SHAPE):
    """Voxels of a brain on a grid of 8 mm, and its affine."""
    affine = np.diag([8.0, 8.0, 8.0, 1.0])
    affine[:3, 3] = [-4.0 * (n - 1) for n in shape]
    centred = np.stack(np.indices(shape), axis=-1) - (np.array(shape) - 1) / 2
    return (np.square(centred / (np.array(shape) / 2.4)).sum(axis=-1) <= 1), affine


def write_bold(path, values, affine, t_r=2.0):
    image = nibabel.Nifti1Image(values.astype(np.float32), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((*image.header.get_zooms()[:3], t_r))
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


@pytest.fixture
def bold_path():
    def path(folder, subject, run):
        name = f"sub-{subject}_task-story_run-{RUNS[run - 1]}_bold.nii.gz"
        return folder / "derivatives" / f"sub-{subject}" / "func" / name

    return path


@pytest.fixture
def volume_folder(tmp_path, bold_path):
    from hemiscale.encoding import hrf_design

    rng = np.random.default_rng(1)
    brain, affine = egg()
    x = (np.argwhere(brain) @ affine[:3, :3].T + affine[:3, 3])[:, 0]
    folder = tmp_path / "study"
    folder.mkdir()
    mask = nibabel.Nifti1Image(brain.astype(np.uint8), affine)
    nibabel.save(mask, folder / "mask.nii.gz")
    tables = []
    for run, n_scans in enumerate((70, 75, 80), start=1):
        onsets = np.cumsum(rng.uniform(0.25, 0.9, size=600))
        onsets = onsets[onsets < 2 * n_scans - 4]
        onsets = onsets[np.sin(onsets / (5 + 2 * run) + run) > -0.3]
        words = rng.choice(["fox", "rose", "well", "star", "the", "of"], len(onsets))
        tables.append(
            pd.DataFrame({"word": words, "onset": onsets, "offset": onsets + 0.2, "section": run})
        )
        rate = hrf_design(onsets, np.full(len(onsets), 0.2), n_scans, 2.0).sum(axis=1)
        rate = (rate - rate.mean()) / rate.std()
        for subject in ("s1", "s2", "s3"):
            values = 20 * rng.random((*SHAPE, n_scans))
            noise = rng.normal(size=(len(x), n_scans))
            values[brain] = 1000 + 10 * (noise + np.outer(1.5 * (x < 0), rate))
            write_bold(bold_path(folder, subject, run), values, affine)
    pd.concat(tables).to_csv(folder / "words.csv", index=False)
    (folder / "study.toml").write_text(VOLUME_STUDY, encoding="utf-8")
    return folder


class HalfBlindCluster:
    """Workers who do not see the recordings of some listeners."""

    def __init__(self, blind=()):
        self.blind = blind
        self.asked = []

    def map(self, function, items, **common):
        for item, *more in items:
            paths = item if isinstance(item, list) else [item]
            self.asked += [path.name for path in paths]
            unseen = any(subject in paths[0].name for subject in self.blind)
            nothing = [None] * len(paths) if isinstance(item, list) else None
            yield nothing if unseen else function(item, *more, **common)


@pytest.fixture(scope="session")
def half_blind_cluster():
    return HalfBlindCluster


@pytest.fixture(scope="session")
def damaged():
    """Content of a file after it was damaged in some way."""

    def damaged(path, how):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        return {
            "flipped": bytes(content),
            "cut off": path.read_bytes()[:-9],
            "empty": b"",
            "of something else": b"[1]",
            "without checksum, and no digests": b'{"/a.nii": [1, 2]}',
            "nested": b"[" * 100_000,
        }[how]

    return damaged


@pytest.fixture(scope="session")
def without_checksum():
    def without_checksum(path):
        """Make of a record what was stored before there were checksums."""
        content = json.loads(path.read_text())
        content = {
            name: value for name, value in content.items() if name not in ("checksum", "files")
        }
        path.write_text(json.dumps(content))

    return without_checksum
