"""Whole stories in Chinese and French, printed by a program that knows where every word is."""

import numpy as np
import pytest

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.stimulus import align_words

CHINESE = """
我 六岁 的 时候 看见 了 一 幅 画 在 一本 描写 原始森林 的 书里 小王子 说 你 是 谁 他 不 知道
星星 花 玫瑰 狐狸 沙漠 飞机 大人 们 总是 需要 解释 绵羊 盒子 火山 国王 点灯人 地理学家 井 水
朋友 驯养 重要 东西 眼睛 看不见 心灵 孩子 日落 四十四 次 行星 B六一二 很 小 房子 那么 因为
所以 可是 就 都
"""
FRENCH = """
lorsque j' avais six ans j'ai vu une magnifique image dans un livre sur la forêt vierge qui
s'appelait histoires vécues le petit prince dit qu' il n' y a pas d' étoiles aujourd'hui la
rose était très belle et le renard aussi où vas-tu là-bas cœur naïf garçon quatre-vingts
fleurs grandes-personnes l' essentiel est invisible pour les yeux désert puits allumeur
"""
NUMERALS = {"六岁": "6岁", "四十四": "44", "B六一二": "B612", "quatre-vingts": "80", "six": "6"}


def printed(vocabulary, n_words, seed, *, space, marks):
    """Draw a story; give its words, its text, and where each word is (None: left out)."""
    rng = np.random.default_rng(seed)
    words = [str(word) for word in rng.choice(vocabulary.split(), n_words)]
    text, spans = "", []
    for word in words:
        chance = rng.random()
        if chance < 0.005:
            spans.append(None)
            continue
        piece = word
        if chance < 0.01:
            piece = str(rng.choice(vocabulary.split()))
        elif word in NUMERALS and rng.random() < 0.5:
            piece = NUMERALS[word]
        elided = piece.endswith("'")
        shown = piece.replace("'", "’")
        # Letters are what is aligned: an apostrophe at the end belongs to no word.
        spans.append((len(text), len(text) + len(shown) - elided) if piece == word else None)
        text += shown
        text += "" if elided else (str(rng.choice(marks)) if rng.random() < 0.15 else space)
    return words, text, spans


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("vocabulary", "options"),
    [
        (CHINESE, {"space": "", "marks": ["，", "。", "：“", "”\n", "……", "？"]}),
        (FRENCH, {"space": " ", "marks": [", ", ". ", " : « ", " »\n", " !\n", " — "]}),
    ],
    ids=["Chinese", "French"],
)  # fmt: skip
def test_every_printed_word_is_found(vocabulary, options, seed):
    words, text, spans = printed(vocabulary, 1500, seed, **options)
    with pytest.warns(HemiscaleWarning, match="no counterpart"):
        found = align_words(words, text)
    known = [k for k, span in enumerate(spans) if span is not None]
    right = [tuple(found[k]) == spans[k] for k in known]
    assert len(known) > 1350
    # Beside a word that is left out or changed, a letter may belong to either neighbour.
    assert np.mean(right) > 0.997
    for k in np.flatnonzero(~np.array(right)):
        assert any(spans[j] is None for j in range(max(0, known[k] - 2), known[k] + 3)
                   if j < len(spans))  # fmt: skip


def test_chinese_words_and_a_text_of_another_story():
    words, _, _ = printed(CHINESE, 400, 0, space="", marks=["。"])
    _, other, _ = printed(CHINESE, 400, 1, space="", marks=["。"])
    with pytest.raises(InputError, match="more than the 3% allowed"):
        align_words(words, other)
    _, french, _ = printed(FRENCH, 400, 0, space=" ", marks=[". "])
    with pytest.raises(InputError, match="story, run and language"):
        align_words(words, french)
