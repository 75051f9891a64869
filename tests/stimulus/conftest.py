"""A printer: from heard words to a text as it is printed, with the place of every word."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from hemiscale.datasets import alice_study

_CONTRACTIONS = {
    ("i", "am"): ("I", "’m"),
    ("it", "is"): ("it", "’s"),
    ("that", "is"): ("that", "’s"),
    ("he", "had"): ("he", "’d"),
    ("i", "have"): ("I", "’ve"),
    ("did", "not"): ("did", "n’t"),
    ("could", "not"): ("could", "n’t"),
    ("do", "not"): ("do", "n’t"),
}
_NUMERALS = {
    "two": "2",
    "three": "3",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "ten": "10",
    "twenty": "20",
    "hundred": "100",
    "thousand": "1000",
    "three two five": "325",
    "three two six": "326",
    "612": "six hundred and twelve",
    "1909": "nineteen-oh-nine",
}
_INSERTED = ["Chapter Seventeen", "* * *", "(or so it seemed)", "indeed"]
_OTHERS = ["mushroom", "quietly", "umbrella", "grey", "yesterday", "fjord", "below", "thither"]


@dataclass
class Printed:
    """A text, and for every word its true place (None: left out) and what was done to it."""

    text: str = ""
    spans: list = field(default_factory=list)
    done: list = field(default_factory=list)

    def add(self, piece, done="printed"):
        self.spans.append((len(self.text), len(self.text) + len(piece)))
        self.done.append(done)
        self.text += piece


def _alone(words, k):
    around = words[max(0, k - 2) : k] + words[k + 1 : k + 3]
    return not any(word in _NUMERALS or word in ("and", "million") for word in around)


def _typo(word, rng):
    k = int(rng.integers(1, len(word) - 1))
    return word[:k] + word[k + 1] + word[k] + word[k + 2 :]


def _print(words, seed, *, missing=0.005, changed=0.005, typos=0.005):
    rng = np.random.default_rng(seed)
    printed, k, capital, width = Printed(), 0, True, 0
    while k < len(words):
        word = words[k]
        pair = (word, words[k + 1]) if k + 1 < len(words) else None
        chance = rng.random()
        if pair in _CONTRACTIONS and rng.random() < 0.7:
            first, second = _CONTRACTIONS[pair]
            printed.add(first, "contraction")
            printed.add(second, "contraction")
            # The apostrophe is no letter: the word begins after it.
            if second.startswith("’"):
                printed.spans[-1] = (printed.spans[-1][0] + 1, printed.spans[-1][1])
            k += 2
        elif chance < missing:
            printed.spans.append(None)
            printed.done.append("missing")
            k += 1
            continue
        elif chance < missing + changed:
            other = str(rng.choice(_OTHERS))
            printed.add(other, "changed")
            k += 1
        elif chance < missing + changed + typos and len(word) > 4:
            printed.add(_typo(word, rng), "typo")
            k += 1
        elif word in _NUMERALS and _alone(words, k) and rng.random() < 0.7:
            printed.add(_NUMERALS[word], "numeral")
            k += 1
        else:
            word = word.rstrip(".;").replace("\\", "")
            piece = word.capitalize() if capital or word == "i" else word
            if word.endswith("nt") and len(word) > 4 and rng.random() < 0.8:
                piece = piece[:-1] + "’t"
            if piece.startswith("e") and rng.random() < 0.1:
                piece = "é" + piece[1:]
            printed.add(piece)
            k += 1
        capital = False
        mark = rng.random()
        if mark < 0.09:
            end = str(rng.choice([". ", "! ", "? ", ".” “", "... ", ".\n\n", "…\r\n"]))
            if rng.random() < 0.08:
                end += str(rng.choice(_INSERTED)) + "\n\n"
            capital = True
        elif mark < 0.2:
            end = str(rng.choice([", ", "; ", " — ", ": ", ",” he-", "-", "--", " (", ") "]))
            end = end.replace(" he-", " ")
        else:
            end = " "
        width += len(printed.text)
        if end == " " and rng.random() < 0.1:
            end = "\n"
        printed.text += end
    return printed


@pytest.fixture(scope="session")
def alice():
    """Folder of the Alice study."""
    return alice_study().parent


@pytest.fixture(scope="session")
def print_story():
    return _print
