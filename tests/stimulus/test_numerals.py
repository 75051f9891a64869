import numpy as np
import pytest

from hemiscale.stimulus.anchors import find_anchors
from hemiscale.stimulus.letters import letters_of, normalise
from hemiscale.stimulus.numerals import readings, spell_numerals

SPOKEN = {
    "0": ["zero", "zéro", "零"],
    "6": ["six", "六", "sixth", "sixième"],
    "1": ["one", "un", "une", "premier", "first", "一", "第一"],
    "2": ["two", "deux", "两", "second", "deuxième"],
    "21": ["twenty-one", "twenty-first", "vingt et un", "二十一"],
    "71": ["soixante et onze", "soixante et onzième"],
    "80": ["eighty", "eightieth", "quatre-vingts", "quatre-vingtième", "八十"],
    "91": ["quatre-vingt-onze"],
    "15": ["fifteen", "十五", "一十五"],
    "100": ["a hundred", "one hundred", "cent", "一百"],
    "105": ["one hundred and five", "a hundred and five", "cent cinq", "一百零五"],
    "200": ["two hundred", "deux cents", "deux centième", "两百", "二百"],
    "325": ["three hundred and twenty-five", "three two five", "three twenty-five"],
    "612": ["six hundred and twelve", "six twelve", "six cent douze", "六百一十二", "六一二"],
    "1000": ["a thousand", "mille", "one thousand", "一千"],
    "1909": ["nineteen oh nine", "nineteen hundred and nine", "mille neuf cent neuf", "一九〇九"],
    "1920": ["nineteen twenty", "mille neuf cent vingt", "一九二零"],
    "80000": ["eighty thousand", "quatre-vingt mille", "八万"],
    "501622731": [
        "five hundred and one million six hundred and twenty-two thousand "
        "seven hundred and thirty-one",
        "cinq cent un millions six cent vingt-deux mille sept cent trente et un",
        "五亿零一百六十二万二千七百三十一",
    ],
}


@pytest.mark.parametrize(("digits", "spoken"), SPOKEN.items())
def test_readings_of_three_languages(digits, spoken):
    # The cardinals agree with num2words and cn2an for 0 to 2,099 and 1,800 numbers up to 10^12.
    known = readings(digits)
    assert [phrase for phrase in spoken if normalise(phrase) not in known] == []


def spell(text, other):
    letters = letters_of(text)
    anchors = find_anchors(letters.letters, normalise(other))
    return spell_numerals(text, letters, normalise(other), anchors)


@pytest.mark.parametrize(
    ("text", "other", "spelt"),
    [
        ("when I was 6 years old", "when i was six years old", "wheniwassixyearsold"),
        ("asteroid B-612.", "asteroid b six twelve", "asteroidbsixtwelve"),
        ("the 2nd planet", "the second planet", "thesecondplanet"),
        ("501,622,731 stars", "five hundred and one million six hundred and twenty-two thousand "
         "seven hundred and thirty-one stars",
         "fivehundredandonemillionsixhundredandtwentytwothousandsevenhundredandthirtyonestars"),
        ("le 1er", "le premier", "lepremier"),
        ("在6岁时", "在六岁时", "在六岁时"),
        ("a 100 kings", "a hundred kings", "ahundredkings"),
        ("room 7", "room number nine", "room7"),
        ("no numeral", "no numeral", "nonumeral"),
    ],
)  # fmt: skip
def test_a_numeral_takes_the_reading_of_the_other_side(text, other, spelt):
    made = spell(text, other)
    assert made.letters == spelt
    assert len(made.positions) == len(made.starts) == len(spelt)


def test_letters_of_a_spelt_numeral_come_from_its_digits():
    made = spell("was 612 then", "was six twelve then")
    inside = made.positions[3:12]
    assert inside.min() == 4
    assert inside.max() == 6
    assert np.all(np.diff(made.positions) >= 0)


def test_the_reading_is_that_of_the_place_not_of_another_page():
    between = "and then nothing much was to be seen or heard for quite a long while "
    text = f"asteroid 612 turned {between} asteroid 612 turned"
    other = f"asteroid 612 turned {between} asteroid six twelve turned"
    assert spell(text, other).letters == normalise(other)
