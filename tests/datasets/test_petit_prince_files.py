import hashlib
import json

import pytest

from hemiscale.datasets import (
    fetch_files,
    list_bucket,
    petit_prince_average_files,
    petit_prince_files,
    petit_prince_region_masks,
)
from hemiscale.datasets.petit_prince import SCANS
from hemiscale.errors import HemiscaleError, InputError


def bold(subject, run, code="EN"):
    return (
        f"derivatives/sub-{subject}/func/sub-{subject}_task-lpp{code}_run-{run}"
        "_space-MNIColin27_desc-preproc_bold.nii.gz"
    )


PATHS = [
    *(bold("EN057", run) for run in (15, 16, 17)),
    *(bold("EN058", run) for run in (4, 5, 6)),
    bold("CN001", 4, "CN"),
    "derivatives/sub-EN057/anat/sub-EN057_space-MNIColin27_desc-preproc_T1w.nii.gz",
    "sub-EN057/func/sub-EN057_task-lppEN_run-15_echo-1_bold.nii.gz",
    "annotation/EN/lppEN_word_information.csv",
    "annotation/EN/lppEN_word_embeddings_BERT.csv",
    "annotation/EN/lppEN section 1.TextGrid",
    "annotation/CN/lppCN_word_information.csv",
    "dataset_description.json",
    "task-lppEN_echo-1_bold.json",
]


@pytest.fixture
def bucket(site):
    for path in PATHS:
        head = b"\x1f\x8b" if path.endswith(".gz") else b"{}"
        site.files[f"/openneuro.org/ds003643/{path}"] = head + path.encode()
    site.files["/openneuro.org/ds003643-other/x"] = b"x"
    return f"{site.url}/openneuro.org"


def test_listing_goes_through_all_pages(bucket, site, pauses):
    files = list_bucket(bucket, "ds003643/", strip="ds003643/", pause=pauses.append)
    assert sorted(f.path for f in files) == sorted(PATHS)
    assert len(site.requests) == 5  # three at a time
    for file in files:
        content = site.files[f"/openneuro.org/ds003643/{file.path}"]
        assert (file.size, file.etag) == (len(content), hashlib.md5(content).hexdigest())


def test_listing_survives_hiccups_and_ends(bucket, site, pauses):
    site.listing_faults = [{"status": 503}, {"page": True}]
    assert list_bucket(bucket, "ds003643/annotation/EN/", pause=pauses.append)
    assert pauses == [1, 2]
    site.listing_faults = [{"status": 500}] * 100
    with pytest.raises(HemiscaleError, match=r"after 3 attempts \(the server answers 500\)"):
        list_bucket(bucket, "ds003643/", attempts=3, pause=pauses.append)
    site.listing_faults = [{"plain_page": True}] * 100
    with pytest.raises(HemiscaleError, match="what came is no listing of a bucket"):
        list_bucket(bucket, "ds003643/", attempts=3, pause=pauses.append)
    site.listing_faults = [{"status": 403}]
    with pytest.raises(HemiscaleError, match="the server answers 403"):
        list_bucket(bucket, "ds003643/", pause=pauses.append)


def test_recordings_and_annotations_of_one_language(bucket, tmp_path):
    files = petit_prince_files("en", bucket_url=bucket)
    assert [f.path for f in files] == [
        *(bold("EN057", run) for run in (15, 16, 17)),
        *(bold("EN058", run) for run in (4, 5, 6)),
        "dataset_description.json",
        "task-lppEN_echo-1_bold.json",
        "annotation/EN/lppEN section 1.TextGrid",
        "annotation/EN/lppEN_word_information.csv",
    ]
    done = fetch_files(files, tmp_path)
    assert len(done.downloaded) == len(files)
    assert done.unverified == []
    assert (tmp_path / bold("EN057", 15)).is_file()


def test_named_subjects_only(bucket):
    files = petit_prince_files("en", subjects=["sub-EN058"], annotations=False, bucket_url=bucket)
    assert [f.path for f in files][:3] == [bold("EN058", run) for run in (4, 5, 6)]
    only_words = petit_prince_files("cn", recordings=False, bucket_url=bucket)
    assert [f.path for f in only_words] == ["annotation/CN/lppCN_word_information.csv"]


def test_unknown_subjects_and_languages(bucket):
    with pytest.raises(InputError, match="has no subject EN085 in EN; did you mean EN058"):
        petit_prince_files("en", subjects=["EN085", "EN057"], bucket_url=bucket)
    with pytest.raises(InputError, match="no language 'de'; known: en, fr, cn"):
        petit_prince_files("de", bucket_url=bucket)
    with pytest.raises(HemiscaleError, match="holds no recordings of ds003643 FR"):
        petit_prince_files("fr", bucket_url=bucket)
    with pytest.raises(HemiscaleError, match="holds no annotations of ds003643 FR"):
        petit_prince_files("fr", recordings=False, bucket_url=bucket)


REPOSITORY = "chrplr/lpp_average_subject_en"


@pytest.fixture
def repository(site):
    tree = [{"path": "README.md", "type": "blob", "sha": "0" * 40, "size": 3}]
    for run in range(1, 10):
        path = f"bold/lpp_en_avg49ss_run{run}_bold.nii.gz"
        content = b"\x1f\x8b" + path.encode()
        site.files[f"/{REPOSITORY}/main/{path}"] = content
        sha = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        tree.append({"path": path, "type": "blob", "sha": sha, "size": len(content)})
    return tree


def test_average_subject_with_gits_hashes(site, repository, tmp_path, pauses):
    listing = f"/repos/{REPOSITORY}/git/trees/main"
    site.files[listing] = json.dumps({"tree": repository}).encode()
    site.faults[f"/{REPOSITORY}/main/bold/lpp_en_avg49ss_run3_bold.nii.gz"] = [{"flip": 9}]
    site.listing_faults = [{"status": 503}, {"plain_page": True}]
    files = petit_prince_average_files(api_url=site.url, raw_url=site.url, pause=pauses.append)
    assert [f.path[-17:] for f in files] == [f"_run{k}_bold.nii.gz" for k in range(1, 10)]
    done = fetch_files(files, tmp_path, pause=pauses.append)
    assert len(done.downloaded) == 9
    assert done.unverified == []
    with pytest.raises(HemiscaleError, match="the server answers 404"):
        petit_prince_average_files(api_url=f"{site.url}/none", raw_url=site.url)
    site.files[listing] = json.dumps({"tree": repository[:-1]}).encode()
    with pytest.raises(HemiscaleError, match="lists runs 1, 2, 3, 4, 5, 6, 7, 8 of the average"):
        petit_prince_average_files(api_url=site.url, raw_url=site.url)


def test_facts_that_ship_with_the_package():
    assert {language: (len(runs), sum(runs)) for language, runs in SCANS.items()} == {
        "en": (9, 2816),
        "fr": (9, 2937),
        "cn": (9, 2977),
    }
    assert len(petit_prince_region_masks()) == 7
