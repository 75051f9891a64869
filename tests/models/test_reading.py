import numpy as np
import pytest

from hemiscale.errors import HemiscaleError, HemiscaleWarning, InputError
from hemiscale.models import extract_activations, read_stories, read_story

FAMILIES = (
    "gpt2", "opt", "llama", "qwen2", "gemma", "stablelm", "mistral", "mamba", "gpt_neox", "olmo2"
)  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore:.*fast path.*:UserWarning")


def close(found, expected, relative=1e-4):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= relative * np.abs(b).max()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("bos", ["never", "always"])
def test_windows_agree_with_a_loop_that_feeds_each_alone(family, bos, tokenizer, spans, text, tiny):
    model = tiny.model(family)
    story = read_story(model, tokenizer, text, spans, context=32, step=7, bos=bos)
    front = [0] if bos == "always" else []
    activations, log_p = tiny.loop(model, tokenizer, text, spans, context=32, step=7, bos=front)
    assert story.n_windows > 5
    assert story.prefix == tuple(front)
    assert story.activations.dtype == np.float32
    close(story.activations, activations)
    np.testing.assert_allclose(story.token_log_probabilities, log_p, rtol=1e-4, atol=1e-4)


def test_opt_350m_gives_a_list_because_widths_differ(tokenizer, spans, text, tiny):
    model = tiny.opt_350m()
    story = read_story(model, tokenizer, text, spans, step=7, bos="always")
    activations, log_p = tiny.loop(model, tokenizer, text, spans, context=32, step=7, bos=[0])
    close(story.activations, activations)
    np.testing.assert_allclose(story.token_log_probabilities, log_p, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_batches_change_nothing(batch, tokenizer, spans, text, tiny):
    model = tiny.model("llama")
    one = read_story(model, tokenizer, text, spans, step=5, batch=1)
    many = read_story(model, tokenizer, text, spans, step=5, batch=batch)
    close(many.activations, one.activations)
    close([many.token_log_probabilities[1:]], [one.token_log_probabilities[1:]])


def runs_of(text, tiny, lengths):
    """Cut a text into runs of so many words, with the characters of each word."""
    spans, runs, first = tiny.words(text), [], 0
    for length in lengths:
        start, stop = spans[first, 0], spans[first + length - 1, 1]
        runs.append((text[start:stop], spans[first : first + length] - start))
        first += length
    return [run[0] for run in runs], [run[1] for run in runs]


@pytest.mark.parametrize("family", [*FAMILIES, "opt-350m"])
@pytest.mark.parametrize("bos", ["never", "always"])
def test_runs_in_one_batch_agree_with_the_loop(family, bos, tokenizer, text, tiny):
    model = tiny.opt_350m() if family == "opt-350m" else tiny.model(family)
    texts, spans = runs_of(text, tiny, [3, 20, 9, 15])
    front = [0] if bos == "always" else []
    seen = []
    stories = list(
        read_stories(
            model, tokenizer, texts, spans, context=32, step=7, bos=bos,
            progress=lambda *now: seen.append(now),
        )
    )  # fmt: skip
    assert len(seen) == 1  # all windows of all runs were one batch
    assert seen[0][0] == seen[0][1] == sum(story.n_windows for story in stories) > 4
    for story, run, span in zip(stories, texts, spans, strict=True):
        expected, log_p = tiny.loop(model, tokenizer, run, span, context=32, step=7, bos=front)
        close(story.activations, expected)
        np.testing.assert_allclose(story.token_log_probabilities, log_p, rtol=1e-4, atol=1e-4)
        alone = read_story(model, tokenizer, run, span, context=32, step=7, bos=bos)
        assert story.n_bytes == alone.n_bytes
        assert story.layers == alone.layers
        close(story.token_norms, alone.token_norms)
        close(story.prefix_norms, alone.prefix_norms) if front else None


def test_batches_of_runs_are_bounded_and_come_as_they_are_read(tokenizer, text, tiny):
    model, seen = tiny.model("gpt2"), []
    n_windows = read_story(model, tokenizer, text, tiny.words(text), step=2).n_windows
    assert 32 * 3 * n_windows <= 4096 < 32 * 4 * n_windows  # three of these runs, but not four
    reading = read_stories(
        model, tokenizer, [text] * 5, [tiny.words(text)] * 5, step=2,
        progress=lambda done, _: seen.append(done),
    )  # fmt: skip
    next(reading)
    assert seen == [3 * n_windows]  # nothing of the fourth run is in memory yet
    assert len(list(reading)) == 4
    assert seen == [3 * n_windows, 5 * n_windows]
    one_by_one = []
    list(
        read_stories(
            model, tokenizer, [text] * 2, [tiny.words(text)] * 2, step=8, batch=1,
            progress=lambda done, _: one_by_one.append(done),
        )
    )  # fmt: skip
    assert one_by_one == list(range(1, one_by_one[-1] + 1))


def test_all_runs_are_checked_before_the_first_is_read(tokenizer, text, spans, tiny):
    reading = read_stories(tiny.model("gpt2"), tokenizer, [text, " "], [spans, spans], step=8)
    with pytest.raises(InputError, match="text is empty"):
        next(reading)


@pytest.mark.parametrize("family", ["gpt2", "opt"])
def test_reads_beyond_a_table_of_positions(family, tokenizer, spans, text, tiny):
    model = tiny.model(family)
    with pytest.warns(HemiscaleWarning, match="ends at 32"):
        long = read_story(model, tokenizer, text, spans, context=500, step=8)
    close(long.activations, read_story(model, tokenizer, text, spans, step=8).activations)


def test_a_step_longer_than_the_window_moves_by_whole_windows(tokenizer, spans, text, tiny):
    model = tiny.model("gpt2")
    with pytest.warns(HemiscaleWarning, match="shorter step"):
        story = read_story(model, tokenizer, text, spans, step=64)
    whole = read_story(model, tokenizer, text, spans, step=32)
    np.testing.assert_array_equal(story.activations, whole.activations)


def test_rotary_models_go_beyond_with_a_warning(tokenizer, spans, text, tiny):
    with pytest.warns(HemiscaleWarning, match="unknown"):
        story = read_story(tiny.model("llama"), tokenizer, text, spans, context=500)
    assert story.n_windows == 1


def test_entry_zero_is_the_embedding(tokenizer, tiny):
    import torch

    model = tiny.model("llama")
    story = read_story(model, tokenizer, "Alice", np.array([[0, 5]]))
    ids = tokenizer("Alice")["input_ids"]
    with torch.no_grad():
        embedding = model.get_input_embeddings()(torch.tensor(ids)).mean(0).numpy()
    np.testing.assert_allclose(story.activations[0, 0], embedding, rtol=1e-6)


def test_pooling(tokenizer, spans, text, tiny):
    model = tiny.model("llama")
    read = {
        how: extract_activations(model, tokenizer, text, spans, step=8, pooling=how, bos="always")
        for how in ("mean", "last", "sum")
    }
    story = read_story(model, tokenizer, text, spans, step=8, bos="always")
    from hemiscale.models.tokens import tokenize, words_to_tokens

    tokens = tokenize(tokenizer, text)
    counts = np.diff(words_to_tokens(spans, tokens, text), axis=1)[:, 0]
    assert counts.max() > 2
    close(read["sum"], read["mean"] * counts[None, :, None])
    single = counts == 1
    close(read["last"][:, single], read["mean"][:, single])
    assert not np.allclose(read["last"], read["mean"])
    np.testing.assert_array_equal(story.activations, read["mean"])


def test_layers_can_be_chosen(tokenizer, spans, text, tiny):
    model = tiny.model("gpt2")
    whole = extract_activations(model, tokenizer, text, spans, step=8)
    some = extract_activations(model, tokenizer, text, spans, step=8, layers=[-1, 1])
    np.testing.assert_array_equal(some, whole[[-1, 1]])
    with pytest.raises(InputError, match="0 to 3"):
        extract_activations(model, tokenizer, text, spans, step=8, layers=[4])


def test_bits_per_byte_of_a_uniform_model(tokenizer, spans, text, tiny):
    import torch

    model = tiny.model("llama", tie_word_embeddings=False)
    with torch.no_grad():
        model.lm_head.weight.zero_()
    story = read_story(model, tokenizer, text, spans, step=8, bos="always")
    n_tokens = len(tokenizer(text)["input_ids"])
    assert story.n_bytes == len(text.encode())
    assert story.bits_per_byte == pytest.approx(n_tokens * 11 / story.n_bytes, rel=1e-6)
    without = read_story(model, tokenizer, text, spans, step=8, bos="never")
    assert np.isnan(without.token_log_probabilities[0])
    assert without.bits_per_byte == pytest.approx((n_tokens - 1) * 11 / without.n_bytes, rel=1e-6)


def test_norms_are_of_tokens_and_of_what_stands_in_front(tokenizer, spans, text, tiny):
    model = tiny.model("gpt2")
    story = read_story(model, tokenizer, text, spans, step=8, bos="always")
    assert story.token_norms.shape == (4, len(story.token_spans))
    assert story.prefix_norms.shape == (4, 1)
    assert (story.token_norms > 0).all()


def test_progress_counts_windows(tokenizer, spans, text, tiny):
    seen = []
    model = tiny.model("gpt2")
    read_story(
        model, tokenizer, text, spans, step=8, batch=2, progress=lambda *now: seen.append(now)
    )
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_pooled_in_float32(dtype, tokenizer, spans, text, tiny):
    import torch

    model = tiny.model("llama")
    whole = extract_activations(model, tokenizer, text, spans, step=8)
    half = extract_activations(model.to(getattr(torch, dtype)), tokenizer, text, spans, step=8)
    assert half.dtype == np.float32
    close(half, whole, relative=0.05)


def test_what_overflows_is_said(tokenizer, spans, text, tiny):
    import torch

    model = tiny.model("llama")
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight.fill_(float("inf"))
    with pytest.raises(HemiscaleError, match="not finite"):
        read_story(model, tokenizer, text, spans, step=8)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"text": " \n "}, "the text is empty"),
        ({"spans": np.empty((0, 2), int)}, "there are no words"),
        ({"spans": np.array([[5, 9], [0, 3]])}, "word 2 spans"),
        ({"spans": np.array([[0, 10_000]])}, "word 1 spans"),
        ({"spans": np.array([[0.0, 1.0]])}, "whole numbers"),
        ({"pooling": "median"}, "'mean', 'last' or 'sum'"),
        ({"bos": "sometimes"}, "'always' or 'never'"),
        ({"step": 0}, "at least 1"),
        ({"step": 1, "context": 1, "bos": "always"}, "no room for words"),
    ],
)
def test_bad_input_has_its_sentence(changes, sentence, tokenizer, spans, text, tiny):
    options = {"text": text, "spans": spans, "step": 8} | changes
    with pytest.raises(InputError, match=sentence):
        read_story(
            tiny.model("gpt2"), tokenizer, options.pop("text"), options.pop("spans"), **options
        )


def test_a_tokenizer_without_offsets_has_its_sentence(spans, text, tiny):
    class SlowTokenizer:
        is_fast = False

    with pytest.raises(InputError, match="SlowTokenizer does not say which characters"):
        read_story(tiny.model("gpt2"), SlowTokenizer(), text, spans, step=8)
