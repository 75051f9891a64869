"""Model folders, safetensors, tokenizers, GGUF files and word vectors that are wrong."""

import json
import struct

import pytest

M, S = "model", "study.toml"
W, CONFIG, TOKENIZER = f"{M}/model.safetensors", f"{M}/config.json", f"{M}/tokenizer.json"
RUN = ("run", "study.toml", "--only", "model", "--out", "out", "--quiet", "--workers", "1")


def header(content):
    encoded = json.dumps(content).encode()
    return struct.pack("<Q", len(encoded)) + encoded


def gguf(n_tensors=0, n_keys=0, rest=b"", version=3):
    return b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_keys) + rest


def other(name, *edits):
    return [(S, "replace", 'name = "model"', f'name = "{name}"\nlabel = "model"'), *edits]


def vectors(name, content):
    return [(S, "replace", "word_rate = true", f'word_rate = true\nstatic_embeddings = ["{name}"]'),
            (name, "write", content)]  # fmt: skip


CASES = {
    "no such folder": (
        [(M, "delete")],
        [
            "there is no model named 'model', and no folder, GGUF file or hub id of that form; `hemiscale models` lists what is known."
        ],
    ),
    "a name that is nearly known": (
        other("austen-0.1"),
        [
            "there is no model named 'austen-0.1', and no folder, GGUF file or hub id of that form; did you mean austen-0.1m or austen-1.1m or austen-0.4m?"
        ],
    ),
    "a path that climbs": (
        other("../../etc/passwd"),
        [
            "there is no model named '../../etc/passwd', and no folder, GGUF file or hub id of that form; `hemiscale models` lists what is known."
        ],
    ),
    "an absolute path": (
        other("/no/such/model"),
        [
            "there is no model named '/no/such/model', and no folder, GGUF file or hub id of that form; `hemiscale models` lists what is known."
        ],
    ),
    "no config": (
        [(CONFIG, "delete")],
        ["model: not a model folder; there is no config.json in it."],
    ),
    "config is empty": ([(CONFIG, "write", "")], ["model: the tokenizer cannot be loaded ("]),
    "config is no json": (
        [(CONFIG, "write", "<html>")],
        ["model: the tokenizer cannot be loaded ("],
    ),
    "config is a list": ([(CONFIG, "write", "[]")], ["model: the tokenizer cannot be loaded ("]),
    "config without a type": ([(CONFIG, "write", "{}")], ["model: the model cannot be loaded ("]),
    "config of an unknown type": (
        [(CONFIG, "replace", '"gpt2"', '"gpt99"')],
        ["model: the model cannot be loaded ("],
    ),
    "config with code of its own": (
        [
            (CONFIG, "replace", "{", '{"auto_map": {"AutoModelForCausalLM": "evil.Evil"},'),
            (CONFIG, "replace", '"model_type": "gpt2"', '"model_type": "evil"'),
            (f"{M}/evil.py", "write", "raise SystemExit('run')"),
        ],
        ["model: the model cannot be loaded ("],
    ),
    "config of another size": (
        [(CONFIG, "replace", '"n_embd": ', '"n_embd": 1')],
        ["model: the model cannot be loaded ("],
    ),
    "no weights": ([(W, "delete")], ["model: there are no safetensors weights in it."]),
    "weights as a pickle": (
        [(W, "delete"), (f"{M}/pytorch_model.bin", "write", b"\x80\x02}q\0.")],
        [
            "model: there are no safetensors weights in it; .bin and .pt files can run code when they are opened and are never read: save the model again with save"
        ],
    ),
    "weights are empty": ([(W, "write", b"")], ["model: the model cannot be loaded ("]),
    "weights are a web page": (
        [(W, "write", "<!DOCTYPE html><html>404</html>")],
        ["model: the model cannot be loaded ("],
    ),
    "weights are a pointer": (
        [(W, "write", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n")],
        ["model: the model cannot be loaded ("],
    ),
    "weights cut off": ([(W, "cut", 1000)], ["model: the model cannot be loaded ("]),
    "weights with bytes too many": (
        [(W, "append", b"\0" * 100)],
        ["model: the model cannot be loaded ("],
    ),
    "weights with a header too long": (
        [(W, "write", struct.pack("<Q", 1 << 62) + b"{}")],
        ["model: the model cannot be loaded ("],
    ),
    "weights with a header that is no json": (
        [(W, "write", struct.pack("<Q", 8) + b"nonsense")],
        ["model: the model cannot be loaded ("],
    ),
    "weights that lie outside": (
        [(W, "write", header({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}))],
        ["model: the model cannot be loaded ("],
    ),
    "weights of other names": (
        [
            (
                W,
                "write",
                header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}) + b"\0" * 4,
            )
        ],
        [
            "model: 29 weights of the model are missing from its safetensors files (lm_head.weight, transformer.h.0.attn.c_attn.bias, transformer.h.0.attn.c_attn.w"
        ],
    ),
    "no tokenizer": (
        [(TOKENIZER, "delete"), (f"{M}/tokenizer_config.json", "delete")],
        ["the tokenizer finds no token in the text; is it in its language?"],
    ),
    "tokenizer is no json": (
        [(TOKENIZER, "write", "<html>")],
        ["model: the tokenizer cannot be loaded ("],
    ),
    "tokenizer is cut off": (
        [(TOKENIZER, "cut", 1000)],
        ["model: the tokenizer cannot be loaded ("],
    ),
    "a GGUF that is not there": (
        other("m.gguf"),
        [
            "there is no model named 'm.gguf', and no folder, GGUF file or hub id of that form; `hemiscale models` lists what is known."
        ],
    ),
    "a GGUF that is empty": (
        other("m.gguf", ("m.gguf", "write", b"")),
        [
            "m.gguf: not a GGUF file; name a GGUF file or a folder with config.json and safetensors weights."
        ],
    ),
    "a GGUF that is a web page": (
        other("m.gguf", ("m.gguf", "write", "<html>404</html>")),
        [
            "m.gguf: not a GGUF file; name a GGUF file or a folder with config.json and safetensors weights."
        ],
    ),
    "a GGUF cut off": (
        other("m.gguf", ("m.gguf", "write", gguf(3, 5, b"\0" * 10))),
        ["m.gguf: this GGUF file cannot be converted ("],
    ),
    "a GGUF of nothing": (
        other("m.gguf", ("m.gguf", "write", gguf())),
        ["m.gguf: this GGUF file cannot be converted ("],
    ),
    "a GGUF of another version": (
        other("m.gguf", ("m.gguf", "write", gguf(version=999))),
        ["m.gguf: this GGUF file cannot be converted ("],
    ),
    "a GGUF with endless keys": (
        other("m.gguf", ("m.gguf", "write", gguf(0, 1 << 60, struct.pack("<Q", 1 << 60)))),
        ["m.gguf: this GGUF file cannot be converted ("],
    ),
    "word vectors are empty": (vectors("v.txt", ""), ["v.txt: the file of word vectors is empty."]),
    "word vectors without numbers": (
        vectors("v.txt", "alice rabbit hole\nran down then\n"),
        ["v.txt, line 1: the vector of 'alice' holds what is no number."],
    ),
    "word vectors of two widths": (
        vectors("v.txt", "alice 1 2 3\nran 1 2\n"),
        [
            "v.txt, line 2: expected a word and 3 numbers separated by single spaces, as in GloVe, word2vec and fastText text files."
        ],
    ),
    "word vectors as a pickle": (
        vectors("v.npy", b"\x80\x04\x95\x10\0\0\0"),
        ["v.npy: not a matrix of numbers in npy format."],
    ),
    "word vectors of no known form": (
        vectors("v.pkl", b"\x80\x04."),
        [
            "v.pkl, line 1: expected a word and 2 numbers separated by single spaces, as in GloVe, word2vec and fastText text files."
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_model(case, model_folder, complains, monkeypatch, tmp_path):
    monkeypatch.setenv("HEMISCALE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    command = RUN
    if "vectors" in case:
        command = [part if part != "model" else "v" for part in RUN]
    edits, fragments = CASES[case]
    complains(model_folder, edits, 2, fragments, command)
