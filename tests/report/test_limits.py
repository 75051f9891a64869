import json

import pytest

from hemiscale.report import load_results
from hemiscale.report.captions import Words
from hemiscale.report.limits import recorded_minutes, recorded_parts, what_it_says


def say(folder):
    limits = what_it_says(load_results(folder))
    return " ".join(limits.can), " ".join(limits.cannot)


def test_the_alice_shaped_study(simulated_results):
    can, cannot = say(simulated_results)
    assert "smollm2-135m" in can
    assert "smollm2-135m scores above word rate in 27 of 27 listeners" in can
    assert "Training raises the score in all 4 models" in can
    assert "per tenfold of parameters" in can
    assert "listener by listener" in can
    assert "simulated" in cannot
    assert "Twelve minutes and one pair of regions (LATL / RATL) cannot carry" in cannot
    assert "5 trained models" in cannot
    assert "smollm2 stands for its family alone" in cannot
    assert "leaves zero out" not in can


def test_real_data_are_not_called_simulated(make_results):
    folder = make_results("word-rate")
    study = folder / "study.toml"
    study.write_text(study.read_text().replace("simulated = true", "simulated = false"))
    assert "simulated" not in say(folder)[1]


@pytest.mark.parametrize(
    ("n_listeners", "sentence"), [(5, "Only 5 listeners"), (1, "One listener: nothing here")]
)
def test_few_listeners(make_results, n_listeners, sentence):
    assert sentence in say(make_results("word-rate", n_listeners=n_listeners))[1]


def test_intervals_of_an_only_listener_are_over_blocks_of_the_recording(make_results):
    folder = make_results("smollm2-135m", "word-rate", n_listeners=1, average=False)
    can, cannot = say(folder)
    assert "(95 % over blocks of the one listener)" in can
    assert "intervals over blocks are about this one person's recording" in cannot
    words = Words(load_results(folder))
    assert words.over == "blocks"
    assert "95 % interval over blocks of the recording" in words.interval
    assert load_results(folder).listeners_over == "runs"
    # With the average subject beside, the listener's own scores have no interval.
    assert load_results(make_results("word-rate", n_listeners=1)).listeners_over == "listeners"


def test_a_leak_is_noticed(make_results):
    folder = make_results("random-vector-300d", n_listeners=12)
    for name in ("models.tsv", "groups.tsv"):
        path = folder / "tables" / name
        lines = path.read_text().splitlines()
        header = lines[0].split("\t")
        rows = [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:]]
        for row in rows:
            row |= {"score": "0.05", "score_low": "0.03", "score_high": "0.07"}
        body = ["\t".join(row[column] for column in header) for row in rows]
        path.write_text("\n".join([lines[0], *body]) + "\n")
    can, _ = say(folder)
    assert "random vector, 300 d should score zero, but its interval [0.030, 0.070]" in can


def test_no_pair_no_comparison(make_results):
    folder = make_results("word-rate")
    path = folder / "tables" / "asymmetry.tsv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert "left and right cannot be compared" in say(folder)[1]


def test_minutes(make_results):
    folder = make_results("word-rate")
    assert recorded_minutes(load_results(folder)) == pytest.approx(362 * 2 / 60)
    (folder / "diagnostics.json").write_text(json.dumps({"scans": []}))
    assert recorded_minutes(load_results(folder)) is None


def test_without_language_models_nothing_is_claimed_of_them(make_results):
    can, cannot = say(make_results("word-rate", "random-vector-300d"))
    assert "language model" not in can
    assert "trained models" not in cannot


@pytest.mark.parametrize(
    ("recorded", "parts", "sentence"),
    [
        ([1, 1, 1], "blocks", "One recording, cross-validated over contiguous blocks"),
        ([1, 2, 3], "runs", None),
        ([1, 1, 2, 2], "blocks", "Each run was cut into blocks"),
    ],
)
def test_runs_and_blocks_are_told_apart(make_results, recorded, parts, sentence):
    folder = make_results("word-rate")
    notes = {
        "scans": [{"run": k, "scans": 100} for k in sorted(set(recorded))],
        "runs": [{"run": n, "recorded_run": k, "scans": 40} for n, k in enumerate(recorded)],
    }
    (folder / "diagnostics.json").write_text(json.dumps(notes))
    assert recorded_parts(load_results(folder)) == parts
    cannot = say(folder)[1]
    for told in ("One recording, cross", "Each run was cut"):
        assert (told in cannot) == (sentence is not None and sentence.startswith(told))
