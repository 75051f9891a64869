"""Study files that are wrong."""

import pytest

S = "study.toml"
CASES = {
    "there is none": ([(S, "delete")], ["study.toml: there is no such study file."]),
    "a folder": ([(S, "folder")], ["study.toml is a folder; name the study's TOML file in it."]),
    "empty": (
        [(S, "write", "")],
        [
            "study.toml: the key 'name' is missing.",
            "study.toml: the key 'stimulus' is missing.",
            "study.toml: the key 'recordings' is missing.",
        ],
    ),
    "binary": (
        [(S, "write", b"\x89PNG\r\n\x1a\n\xff\xfe\x00\x01")],
        ["study.toml, line 1: not UTF-8 text; save the file as UTF-8."],
    ),
    "latin-1": (
        [(S, "replace", "A tiny", "Une \xe9tude".encode("latin-1"))],
        ["study.toml, line 2: not UTF-8 text; save the file as UTF-8."],
    ),
    "utf-16": (
        [(S, "write", 'name = "x"'.encode("utf-16"))],
        ["study.toml, line 1: not UTF-8 text; save the file as UTF-8."],
    ),
    "zero bytes": ([(S, "append", b"\0")], ["study.toml: not valid TOML: invalid statement"]),
    "a web page": (
        [(S, "write", "<!DOCTYPE html><html>404</html>")],
        ["study.toml: not valid TOML: invalid statement"],
    ),
    "json": ([(S, "write", '{"name": "x"}')], ["study.toml: not valid TOML: invalid statement"]),
    "no closing quote": (
        [(S, "replace", 'name = "tiny"', 'name = "tiny')],
        ["study.toml: not valid TOML: illegal character '\\n'"],
    ),
    "no closing bracket": (
        [(S, "replace", "[stimulus]", "[stimulus")],
        ["study.toml: not valid TOML: expected ']' at the end of a table declaration"],
    ),
    "brackets without end": (
        [(S, "write", "a = " + "[" * 100_000)],
        ["study.toml: not a study file: brackets are nested too deep."],
    ),
    "a key twice": (
        [(S, "replace", "[stimulus]", 'name = "again"\n[stimulus]')],
        ["study.toml: not valid TOML: cannot overwrite a value"],
    ),
    "a table twice": (
        [(S, "append", "\n[design]\nblocks = 3\n")],
        ["study.toml: not valid TOML: cannot declare ('design',) twice"],
    ),
    "name missing": (
        [(S, "replace", 'name = "tiny"', "")],
        ["study.toml: the key 'name' is missing."],
    ),
    "name with a path": (
        [(S, "replace", 'name = "tiny"', 'name = "../../tmp/x"')],
        [
            "study.toml, line 1: 'name' cannot be '../../tmp/x': names are made of letters, digits and . _ @ - and begin with a letter or a digit."
        ],
    ),
    "name of a hidden file": (
        [(S, "replace", 'name = "tiny"', 'name = ".x"')],
        [
            "study.toml, line 1: 'name' cannot be '.x': names are made of letters, digits and . _ @ - and begin with a letter or a digit."
        ],
    ),
    "name is a number": (
        [(S, "replace", 'name = "tiny"', "name = 3")],
        ["study.toml, line 1: 'name' cannot be 3: a text in quotation marks is expected."],
    ),
    "name too long": (
        [(S, "replace", 'name = "tiny"', f'name = "{"x" * 300}"')],
        [
            "study.toml, line 1: 'name' cannot be 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: it is too long."
        ],
    ),
    "unknown table": (
        [(S, "replace", "[design]", "[desing]")],
        ["study.toml, line 25: unknown key 'desing'; did you mean 'design'?"],
    ),
    "unknown key": (
        [(S, "replace", "blocks = 4", "block = 4")],
        ["study.toml, line 26: unknown key 'design.block'; did you mean 'blocks'?"],
    ),
    "unknown key in a list": (
        [(S, "replace", 'homologue = "R"', 'homolog = "R"')],
        [
            "study.toml, line 18: unknown key 'recordings.regions[1].homolog'; did you mean 'homologue'?"
        ],
    ),
    "stimulus missing": (
        [(S, "replace", "[stimulus]", "[stimulas]")],
        [
            "study.toml: the key 'stimulus' is missing.",
            "study.toml, line 5: unknown key 'stimulas'; did you mean 'stimulus'?",
        ],
    ),
    "stimulus is no table": (
        [
            (S, "replace", "[stimulus]", 'stimulus = "words.csv"'),
            (S, "replace", 'words = "words.csv"', ""),
            (S, "replace", 'text = "text.txt"', ""),
        ],
        ["study.toml, line 5: 'stimulus' cannot be 'words.csv': a table is expected."],
    ),
    "no word tables": (
        [(S, "replace", 'words = "words.csv"', "words = []")],
        ["study.toml, line 6: 'stimulus.words' cannot be that: the list is too short."],
    ),
    "more texts than tables": (
        [(S, "replace", 'text = "text.txt"', 'text = ["text.txt", "b.txt"]')],
        [
            "study.toml, line 5: 'stimulus' names 1 word table(s) but 2 text(s); each run needs one of both."
        ],
    ),
    "word tables are numbers": (
        [(S, "replace", 'words = "words.csv"', "words = [1]")],
        [
            "study.toml, line 6: 'stimulus.words[1]' cannot be 1: a text in quotation marks is expected."
        ],
    ),
    "pattern without subject": (
        [(S, "replace", "{subject}.txt", "s1.txt")],
        ["study.toml, line 10: 'recordings.files' must hold the placeholder {subject}."],
    ),
    "pattern with another placeholder": (
        [(S, "replace", "{subject}", "{subject}{session}")],
        [
            "study.toml, line 10: 'recordings.files' may hold the placeholders {subject} and {run}, and no others."
        ],
    ),
    "pattern that reaches into objects": (
        [(S, "replace", "{subject}", "{subject.__class__.__mro__}")],
        [
            "study.toml, line 10: 'recordings.files' may hold the placeholders {subject} and {run}, and no others."
        ],
    ),
    "pattern not closed": (
        [(S, "replace", "{subject}.txt", "{subject}{.txt")],
        ["study.toml, line 10: 'recordings.files' has a curly bracket that is not closed."],
    ),
    "pattern of many runs without run": (
        [
            (S, "replace", '"words.csv"', '["words.csv", "words.csv"]'),
            (S, "replace", '"text.txt"', '["text.txt", "text.txt"]'),
        ],
        [
            "study.toml: the study has several runs, so recordings.files must hold the placeholder {run}."
        ],
    ),
    "no subjects": (
        [(S, "replace", '["s1", "s2", "s3", "s4"]', "[]")],
        ["study.toml, line 11: 'recordings.subjects' cannot be that: the list is too short."],
    ),
    "a subject twice": (
        [(S, "replace", '"s2"', '"s1"')],
        ["study.toml, line 9: 'recordings' names subjects twice: s1."],
    ),
    "a subject with a path": (
        [(S, "replace", '"s2"', '"../s2"')],
        [
            "study.toml, line 11: 'recordings.subjects[2]' cannot be '../s2': names are made of letters, digits and . _ @ - and begin with a letter or a digit."
        ],
    ),
    "a subject named average": (
        [(S, "replace", '"s2"', '"average"')],
        [
            "study.toml, line 9: 'recordings' has a subject named 'average'; that name is for the average subject."
        ],
    ),
    "subject both used and excluded": (
        [(S, "append", '[[recordings.excluded]]\nsubject = "s1"\nreason = "asleep"\n')],
        ["study.toml, line 9: 'recordings' lists as subject and as excluded: s1."],
    ),
    "excluded without reason": (
        [(S, "append", '[[recordings.excluded]]\nsubject = "s9"\nreason = ""\n')],
        [
            "study.toml, line 35: 'recordings.excluded[1].reason' cannot be '': it must not be empty."
        ],
    ),
    "TR zero": (
        [(S, "replace", "t_r = 2.0", "t_r = 0")],
        ["study.toml, line 12: 'recordings.t_r' cannot be 0"],
    ),
    "TR negative": (
        [(S, "replace", "t_r = 2.0", "t_r = -2.0")],
        ["study.toml, line 12: 'recordings.t_r' cannot be -2.0"],
    ),
    "TR not finite": (
        [(S, "replace", "t_r = 2.0", "t_r = inf")],
        ["study.toml, line 12: 'recordings.t_r' cannot be inf"],
    ),
    "TR in words": (
        [(S, "replace", "t_r = 2.0", 't_r = "two"')],
        ["study.toml, line 12: 'recordings.t_r' cannot be 'two': a valid number is expected."],
    ),
    "TR missing": (
        [(S, "replace", "t_r = 2.0", "")],
        ["study.toml, line 9: the key 'recordings.t_r' is missing."],
    ),
    "TR in milliseconds": (
        [(S, "replace", "t_r = 2.0", "t_r = 2000")],
        [
            "words.csv: the last word ends at 313.7 s but run 1 lasts 320000 s; are the times in seconds, and is this the right run?"
        ],
    ),
    "kind unknown": (
        [(S, "replace", "t_r = 2.0", 't_r = 2.0\nkind = "region"')],
        [
            "study.toml, line 13: there is no 'recordings.kind' named 'region'; did you mean 'regions'?"
        ],
    ),
    "region twice": (
        [(S, "replace", 'name = "R"', 'name = "L"')],
        ["study.toml, line 9: 'recordings' names regions twice: L."],
    ),
    "homologue unknown": (
        [(S, "replace", 'homologue = "R"', 'homologue = "X"')],
        [
            "study.toml, line 9: 'recordings' region L names 'X' as its homologue, which is no region of this study."
        ],
    ),
    "homologues on one side": (
        [(S, "replace", 'hemisphere = "right"', 'hemisphere = "left"')],
        [
            "study.toml, line 9: 'recordings' regions L and R must name each other as homologue, one of them left and the other right."
        ],
    ),
    "hemisphere unknown": (
        [(S, "replace", '"right"', '"rechts"')],
        ["study.toml, line 22: 'recordings.regions[2].hemisphere' cannot be 'rechts'"],
    ),
    "neither average nor individuals": (
        [(S, "replace", "t_r = 2.0", "t_r = 2.0\naverage = false\nindividuals = false")],
        [
            "study.toml, line 9: 'recordings' asks for neither average nor individuals: nothing is left to score."
        ],
    ),
    "blocks zero": (
        [(S, "replace", "blocks = 4", "blocks = 0")],
        ["study.toml, line 26: 'design.blocks' cannot be 0"],
    ),
    "blocks a fraction": (
        [(S, "replace", "blocks = 4", "blocks = 2.5")],
        ["study.toml, line 26: 'design.blocks' cannot be 2.5: a whole number is expected."],
    ),
    "one run, not cut": (
        [(S, "replace", "blocks = 4", "blocks = 1")],
        [
            "study tiny: has one run where at least 3 runs or blocks are needed (one to test, one to choose the penalty, one to fit); cut each run into blocks: under [design], blocks = 3 or more."
        ],
    ),
    "one run in two blocks": (
        [(S, "replace", "blocks = 4", "blocks = 2")],
        [
            "study tiny: has one run of 2 blocks where at least 3 runs or blocks are needed",
            "under [design], blocks = 3 or more.",
        ],
    ),
    "blocks too many": (
        [(S, "replace", "blocks = 4", "blocks = 40")],
        [
            "run 1: 40 block(s) with 20 s trimmed and 8 s at each seam leave 0 scans a block where at least 10 are needed; use fewer blocks or a shorter gap."
        ],
    ),
    "gap negative": (
        [(S, "replace", "gap = 8.0", "gap = -1")],
        ["study.toml, line 27: 'design.gap' cannot be -1"],
    ),
    "HRF unknown": (
        [(S, "replace", "blocks = 4", 'blocks = 4\nhrf_model = "canonical"')],
        ["study.toml, line 27: 'design.hrf_model' cannot be 'canonical'"],
    ),
    "delay named twice": (
        [(S, "replace", "blocks = 4", 'blocks = 4\nhrf_model = "fir"\ndelays = [1, 1]')],
        ["study.toml, line 25: 'design' names a delay twice: [1, 1]."],
    ),
    "trim longer than the run": (
        [(S, "replace", "blocks = 4", "blocks = 4\ntrim = 400")],
        [
            "run 1: 4 block(s) with 400 s trimmed and 8 s at each seam leave 0 scans a block where at least 10 are needed; use fewer blocks or a shorter gap."
        ],
    ),
    "penalties turned around": (
        [(S, "append", "[encoding]\npenalty_low = 1e7\npenalty_high = 1e2\n")],
        ["study.toml, line 33: 'encoding' has penalty_high below penalty_low."],
    ),
    "penalties zero": (
        [(S, "append", "[encoding]\npenalty_low = 0\n")],
        ["study.toml, line 34: 'encoding.penalty_low' cannot be 0"],
    ),
    "validation unknown": (
        [(S, "append", '[encoding]\nvalidation = "second"\n')],
        ["study.toml, line 34: 'encoding.validation' cannot be 'second'"],
    ),
    "a model twice": (
        [(S, "append", '[[models]]\nname = "a"\n[[models]]\nname = "a"\n')],
        ["study.toml: the study names models twice: a."],
    ),
    "a model without name": (
        [(S, "append", "[[models]]\nuntrained = [1]\n")],
        ["study.toml, line 33: the key 'models[1].name' is missing."],
    ),
    "a model with a seed below zero": (
        [(S, "append", '[[models]]\nname = "a"\nuntrained = [-1]\n')],
        ["study.toml, line 35: 'models[1].untrained[1]' cannot be -1"],
    ),
    "a model label with a path": (
        [(S, "append", '[[models]]\nname = "a"\nlabel = "../x"\n')],
        [
            "study.toml, line 35: 'models[1].label' cannot be '../x': names are made of letters, digits and . _ @ - and begin with a letter or a digit."
        ],
    ),
    "random vectors of no width": (
        [(S, "replace", "dimensions = [20]", "dimensions = [0]")],
        ["study.toml, line 31: 'baselines.random_vectors.dimensions[1]' cannot be 0"],
    ),
    "baselines in words": (
        [(S, "replace", "word_rate = true", 'word_rate = "yes"')],
        ["study.toml, line 30: 'baselines.word_rate' cannot be 'yes': true or false is expected."],
    ),
    "two faults at once": (
        [
            (S, "replace", "t_r = 2.0", "t_r = -1"),
            (S, "replace", "blocks = 4", "blocks = 0"),
        ],
        [
            "study.toml, line 12: 'recordings.t_r' cannot be -1",
            "study.toml, line 26: 'design.blocks' cannot be 0",
        ],
    ),
    "steers the terminal": (
        [(S, "replace", "[stimulus]", '"\\u001b[31m" = 1\n[stimulus]')],
        [
            "study.toml: unknown key '\\x1b[31m'; known here: name, title, description, language, folder, simulated, caveats, attribution, citation, stimulus, recor"
        ],
    ),
}


def test_too_few_runs_are_said_by_run_as_by_check(study_folder, complains, tmp_path):
    edits, fragments = CASES["one run, not cut"]
    command = ("run", "study.toml", "--out", str(tmp_path / "out"), "--quiet")
    complains(study_folder, edits, 2, fragments, command)


@pytest.mark.parametrize("case", CASES)
def test_study_file(case, study_folder, complains):
    edits, fragments = CASES[case]
    complains(study_folder, edits, 2, fragments)
