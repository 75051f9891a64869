import copy

from hemiscale.errors import InputError


def test_what_a_file_holds_cannot_steer_the_terminal_or_fill_it():
    error = InputError("a.csv, row 1: '\x1b[31m\u202eword\n'.", "b.csv: " + "x" * 10_000 + "; end.")
    assert error.problems[0] == "a.csv, row 1: '\\x1b[31m\\u202eword\\n'."
    assert len(error.problems[1]) < 1000
    assert error.problems[1].startswith("b.csv: x")
    assert error.problems[1].endswith("; end.")
    assert str(error) == "\n".join(error.problems)


def test_letters_of_all_languages_are_shown_as_they_are():
    sentence = "mots.csv, row 2: 'éléphant' 小王子 is not a number."
    assert InputError(sentence).problems == (sentence,)


def test_several_problems_travel_between_processes_as_they_are():
    error = InputError("a.txt: one.", "b.txt: \x1b two.")
    back = copy.deepcopy(error)  # takes the way that processes take
    assert back.problems == error.problems
    assert str(back) == str(error)
