import pytest

from hemiscale.models import describe_layers, read_story

PLAIN = ["embedding", "layer 1", "layer 2", "layer 3, final norm"]
NAMES = {
    "gpt2": ["embedding with positions", *PLAIN[1:]],
    "opt": ["embedding with positions", *PLAIN[1:]],
    "llama": PLAIN,
    "qwen2": PLAIN,
    "gemma": ["embedding, scaled", *PLAIN[1:]],
    "stablelm": PLAIN,
    "mistral": PLAIN,
    "mamba": ["layer 1", "layer 2", "layer 3", "layer 3, final norm"],
    "gpt_neox": PLAIN,
    "olmo2": PLAIN,
}


@pytest.mark.filterwarnings("ignore:.*fast path.*:UserWarning")
@pytest.mark.parametrize("family", NAMES)
def test_what_each_entry_is(family, tiny):
    assert describe_layers(tiny.model(family)) == NAMES[family]


def test_opt_350m_is_projected(tiny):
    names = describe_layers(tiny.opt_350m())
    assert names == ["embedding with positions", "layer 1", "layer 2", "layer 3, projected"]


def test_a_story_carries_the_names_of_its_entries(tiny, tokenizer, spans, text):
    story = read_story(
        tiny.model("llama"), tokenizer, text, spans, step=8, layers=[0, -1], bos="always"
    )
    assert story.layers == ["embedding", "layer 3, final norm"]
