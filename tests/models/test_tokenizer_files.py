"""Tokenizers in the form in which models of the catalogue have them at the hub."""

import json
from pathlib import Path

import pytest

import hemiscale
from hemiscale.models.loading import _tokenizer
from hemiscale.models.sources import tokenizer_files
from hemiscale.models.tokens import tokenize, words_to_tokens
from hemiscale.stimulus import align_words

LADDER = Path(hemiscale.__file__).parent / "datasets" / "ladder" / "tokenizer" / "tokenizer.json"


def special(content):
    return {"content": content, "lstrip": False, "rstrip": False, "single_word": False,
            "normalized": True, "__type": "AddedToken"}  # fmt: skip


@pytest.fixture
def as_opt(tmp_path):
    """Vocabulary and merges in two files, and an end-of-text token in front, as in OPT."""
    made = json.loads(LADDER.read_text())["model"]
    vocabulary = made["vocab"] | {"</s>": len(made["vocab"]), "<pad>": len(made["vocab"]) + 1}
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in made["merges"]]
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    names = {"unk_token": "</s>", "bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>"}
    options = {name: special(content) for name, content in names.items()}
    options |= {
        "add_prefix_space": False,
        "add_bos_token": True,
        "tokenizer_class": "GPT2Tokenizer",
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(options))
    (tmp_path / "config.json").write_text('{"model_type": "opt"}')
    return tmp_path


@pytest.fixture
def as_bert(tmp_path):
    """Characters in vocab.txt, [CLS] in front and [SEP] behind, as the Chinese GPT-2s have."""
    characters = list(dict.fromkeys("我六岁的时候看见了一幅画小王子说你好。，：“”6"))
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    (tmp_path / "vocab.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"do_lower_case": False, "tokenizer_class": "BertTokenizerFast"})
    )
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    return tmp_path


def test_vocabulary_and_merges_with_a_token_in_front(as_opt):
    tokenizer = _tokenizer(as_opt)
    text = "Alice was beginning to get very tired."
    assert tokenize(tokenizer, text, bos="default").prefix == (2048,)
    assert tokenize(tokenizer, text, bos="always").prefix == (2048,)
    tokens = tokenize(tokenizer, text, bos="never")
    assert tokens.prefix == ()
    assert "".join(text[a:b] for a, b in tokens.spans) == text
    assert {path.name for path in tokenizer_files(as_opt)} == {
        "vocab.json", "merges.txt", "tokenizer_config.json",
    }  # fmt: skip


def test_characters_of_chinese_words(as_bert):
    tokenizer = _tokenizer(as_bert)
    words = ["我", "六岁", "的", "时候", "看见", "了", "一", "幅", "画"]
    text = "我6岁的时候，\n看见了一幅画。"
    tokens = tokenize(tokenizer, text, bos="default")
    assert tokens.prefix == (2,)  # [CLS], once; nothing of [SEP]
    assert len(tokens.ids) == len(text) - 1  # the line end is no token of this tokenizer
    spans = align_words(words, text)
    ranges = words_to_tokens(spans, tokens, text)
    read = ["".join(text[a:b] for a, b in tokens.spans[start:stop]) for start, stop in ranges]
    assert read == ["我", "6岁", "的", "时候，", "看见", "了", "一", "幅", "画。"]
