"""Numerals in the spelling that the other side uses, so that "6" meets "six", "six" or "六".

The rule: of all ways to read a numeral (English, French, Chinese; as a number, a year, in pairs,
digit by digit, as an ordinal), the longest that occurs at its place in the other text stands for
it. Where none occurs the digits stay.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from hemiscale.stimulus.anchors import Anchor, counterpart
from hemiscale.stimulus.letters import Letters, normalise

__all__ = ["readings", "spell_numerals"]

# Digits, with separators between groups of three; then, perhaps, the ending of an ordinal.
_NUMERAL = re.compile(
    r"(\d+(?:[.,'’\u00a0\u202f]\d{3}(?!\d))*)(?:(st|nd|rd|th|er|re|ère|e|ème)\b)?", re.IGNORECASE
)
_ARTICLE = re.compile(r"(?<!\w)a\s+$", re.IGNORECASE)
_LONGEST = 15  # digits that are read as one number

_ENGLISH_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_ENGLISH = _ENGLISH_NAMES.split()
_ENGLISH_TENS_NAMES = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
_ENGLISH_TENS = _ENGLISH_TENS_NAMES.split()
_ENGLISH_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_FRENCH_NAMES = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze "
    "seize dix-sept dix-huit dix-neuf"
)
_FRENCH = _FRENCH_NAMES.split()
_FRENCH_TENS_NAMES = "zéro dix vingt trente quarante cinquante soixante"
_FRENCH_TENS = _FRENCH_TENS_NAMES.split()
_CHINESE = "零一二三四五六七八九"


def spell_numerals(
    text: str, letters: Letters, other: str, anchors: list[Anchor], offset: int = 0
) -> Letters:
    """Replace the numerals of a text by the reading that occurs in another one.

    Parameters
    ----------
    text : str
    letters : Letters
        Of `text`.
    other : str
        Normalised letters of the other side.
    anchors : list of (start here, start in other, length)
        Stretches that both sides share: they tell where to look for a numeral's counterpart.
    offset : int
        Of the letters of `text` in the string that the anchors are about.

    Returns
    -------
    Letters
        Of `text`, with numerals spelt out; a letter of a spelt-out numeral comes from the digit
        at the same share of the numeral's length.
    """
    pieces: list[tuple[str, np.ndarray, np.ndarray]] = []
    done = 0
    for match in _NUMERAL.finditer(text):
        digits = "".join(str(int(c)) for c in match[1] if c.isdecimal())
        first, stop = np.searchsorted(letters.positions, [match.start(), match.end()])
        place = counterpart(anchors, int(first) + offset, int(stop) + offset)
        if place is None:
            continue
        # "a 100" is not "a a hundred".
        article = _ARTICLE.search(text[max(0, match.start() - 9) : match.start()]) is not None
        spelling = _best_reading(
            digits, match[2] is not None, other[place[0] : place[1]], article=article
        )
        if spelling is None:
            continue
        pieces.append(_cut(letters, done, int(first)))
        width = match.end() - match.start()
        share = np.arange(len(spelling)) * width // len(spelling)
        starts = np.zeros(len(spelling), dtype=bool)
        starts[0] = True
        pieces.append((spelling, match.start() + share, starts))
        done = int(stop)
    if not pieces:
        return letters
    pieces.append(_cut(letters, done, len(letters.letters)))
    spelt, positions, starts_of_pieces = zip(*pieces, strict=True)
    return Letters("".join(spelt), np.concatenate(positions), np.concatenate(starts_of_pieces))


def _cut(letters: Letters, start: int, stop: int) -> tuple[str, np.ndarray, np.ndarray]:
    return letters.letters[start:stop], letters.positions[start:stop], letters.starts[start:stop]


def _best_reading(digits: str, ordinal: bool, other: str, *, article: bool) -> str | None:
    known = readings(digits, ordinal=ordinal)
    if article:
        known = frozenset(re.sub("^a(?=hundred|thousand)", "", reading) for reading in known)
    found = [reading for reading in known if reading in other]
    return max(found, key=lambda reading: (len(reading), reading), default=None)


@lru_cache(maxsize=4096)
def readings(digits: str, *, ordinal: bool = False) -> frozenset[str]:
    """List the ways to read a numeral aloud.

    Parameters
    ----------
    digits : str
        Decimal digits.
    ordinal : bool
        Whether the ending of an ordinal follows.

    Returns
    -------
    frozenset of str
        As normalised letters, without spaces.
    """
    spoken = {_one_by_one(digits, _ENGLISH), _one_by_one(digits, _FRENCH)}
    spoken |= {_one_by_one(digits, [*names, *_ENGLISH[1:10]]) for names in (["o"], ["oh"])}
    spoken.add("".join(_CHINESE[int(digit)] for digit in digits))
    spoken.add("".join("〇" if digit == "0" else _CHINESE[int(digit)] for digit in digits))
    if len(digits) <= _LONGEST:
        number = int(digits)
        english = {_english(number, joint) for joint in (" ", " and ")}
        if 1 <= len(digits) <= 4:
            english |= _in_pairs(digits)
        if number // 100 == 1 or number // 1000 == 1:
            english |= {re.sub("^one ", "a ", phrase) for phrase in english}
        french = {_french(number)}
        spoken |= english | french | _chinese_readings(number)
        # Dates are written without the ending and read with it, so ordinals are always tried.
        spoken |= {_english_ordinal(phrase) for phrase in english}
        spoken |= {_french_ordinal(phrase) for phrase in french}
        if number == 1:
            spoken |= {"premier", "première", "une"}
    if ordinal:
        spoken = {phrase for phrase in spoken if not phrase.isdigit()}
    return frozenset(normalise(phrase) for phrase in spoken)


def _one_by_one(digits: str, names: list[str]) -> str:
    return " ".join(names[int(digit)] for digit in digits)


def _in_pairs(digits: str) -> set[str]:
    """Years and names: nineteen oh nine, nineteen hundred and nine, six twelve."""
    if len(digits) < 3:
        return set()
    head, tail = int(digits[:-2]), int(digits[-2:])
    if head == 0:
        return set()
    front = _english(head, " ")
    phrases = {f"{front} {zero} {_ENGLISH[tail]}" for zero in ("o", "oh") if tail < 10}
    if tail >= 10:
        phrases.add(f"{front} {_english(tail, ' ')}")
    rest = {f" {_english(tail, ' ')}", f" and {_english(tail, ' ')}"} if tail else {""}
    return phrases | {f"{front} hundred{end}" for end in rest}


def _english(number: int, joint: str) -> str:
    if number < 20:
        return _ENGLISH[number]
    if number < 100:
        tens = _ENGLISH_TENS[number // 10]
        return f"{tens}-{_ENGLISH[number % 10]}" if number % 10 else tens
    if number < 1000:
        rest = f"{joint}{_english(number % 100, joint)}" if number % 100 else ""
        return f"{_ENGLISH[number // 100]} hundred{rest}"
    sizes = [(10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand")]
    size, name = _largest(sizes, number)
    rest_of = number % size
    rest = (joint if rest_of < 100 else " ") + _english(rest_of, joint) if rest_of else ""
    return f"{_english(number // size, joint)} {name}{rest}"


def _english_ordinal(phrase: str) -> str:
    head, last = re.fullmatch(r"(.*?)(\w+)", phrase, re.DOTALL).groups()  # type: ignore[union-attr]
    if last in _ENGLISH_ORDINALS:
        return head + _ENGLISH_ORDINALS[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def _french(number: int) -> str:
    if number < 20:
        return _FRENCH[number]
    if number < 70:
        ones = number % 10
        joint = " et " if ones == 1 else "-"
        return _FRENCH_TENS[number // 10] + (joint + _FRENCH[ones] if ones else "")
    if number < 80:
        return "soixante" + (" et " if number == 71 else "-") + _FRENCH[number - 60]
    if number < 100:
        return "quatre-vingt" + (f"-{_FRENCH[number - 80]}" if number > 80 else "s")
    sizes = [(10**9, "milliard"), (10**6, "million"), (1000, "mille"), (100, "cent")]
    size, name = _largest(sizes, number)
    count, rest = divmod(number, size)
    plural = "s" if count > 1 and (size > 1000 or (size == 100 and not rest)) else ""
    front = "" if count == 1 and size <= 1000 else _french(count) + " "
    if size == 1000:
        # "quatre-vingts" and "cents" lose their s in front of "mille".
        front = re.sub(r"s $", " ", front) if front.endswith(("vingts ", "cents ")) else front
    return front + name + plural + (f" {_french(rest)}" if rest else "")


def _french_ordinal(phrase: str) -> str:
    if phrase.endswith("cinq"):
        return phrase + "uième"
    if phrase.endswith("neuf"):
        return phrase[:-1] + "vième"
    return phrase.rstrip("es" if phrase.endswith(("e", "ts")) else "") + "ième"


def _chinese_readings(number: int) -> set[str]:
    plain = _chinese(number)
    spoken = {plain, re.sub("二(?=[百千万亿])", "两", plain)}
    if plain.startswith("一十"):
        spoken |= {phrase.removeprefix("一") for phrase in spoken}
    if number == 2:
        spoken.add("两")
    return spoken | {"第" + phrase for phrase in spoken}


def _chinese(number: int) -> str:
    if number < 10:
        return _CHINESE[number]
    sizes = [(10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")]
    size, name = _largest(sizes, number)
    count, rest = divmod(number, size)
    zero = "零" if rest and rest < size // 10 else ""
    return _chinese(count) + name + zero + (_chinese(rest) if rest else "")


def _largest(sizes: list[tuple[int, str]], number: int) -> tuple[int, str]:
    """First of the falling sizes that a number reaches, with its name."""
    return next((size, name) for size, name in sizes if number >= size)
