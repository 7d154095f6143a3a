"""The language model: steps and training agree, perplexity by hand, resumed bits, mistakes."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path

import pytest
import torch

from seq2seq.checkpoint import (
    LanguageConfig,
    load_language_model,
    load_training_state,
    load_weights,
    read_language_config,
    write_language_config,
)
from seq2seq.cli import main
from seq2seq.config import (
    LanguageModelSettings,
    LanguageSettings,
    TrainingSettings,
    language_from_json,
    language_settings,
    preset,
    to_json,
)
from seq2seq.errors import CheckpointError, ConfigError
from seq2seq.evaluation.perplexity import Perplexity, measure_perplexity
from seq2seq.model.encoder_decoder import parameter_count
from seq2seq.model.language_model import LanguageModel
from seq2seq.text.batches import TokenizedSplit, collate
from seq2seq.text.pair_files import SentencePair
from seq2seq.text.tokenizer import BEGIN, END, Tokenizer
from seq2seq.training.history import History
from seq2seq.training.loop import Trainer
from tests.conftest import TINY

SMALL = LanguageModelSettings(embedding_size=5, hidden_size=6, layers=2, dropout=0.4)
# Without the size that only attention has.
QUICK = [option for option in TINY if option not in ("--model.attention-size", "8")]


def fresh_model(**changes: object) -> LanguageModel:
    torch.manual_seed(2)
    return LanguageModel(LanguageModelSettings(**{**vars(SMALL), **changes}), 12)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru-reset-before"])
def test_steps_and_whole_sentences_give_the_same_logits(cell):
    model = fresh_model(cell=cell).eval()
    tokens = torch.tensor([[BEGIN, 5, 7, 4], [BEGIN, 9, 6, 0]])
    expected = model.output(model(tokens))
    state = model.start(2)
    for place in range(4):
        logits, state = model.step(tokens[:, place], state)
        torch.testing.assert_close(logits, expected[:, place])
    torch.testing.assert_close(expected[1, :3], model.output(model(tokens[1:, :3]))[0])


def test_it_is_torchs_lstm_between_embedding_and_tied_output():
    model = fresh_model().eval()
    lstm = torch.nn.LSTM(5, 6, num_layers=2, batch_first=True)
    for layer, cell in enumerate(model.layers.forward_cells):
        named = {"weight_ih": cell.weight_input, "weight_hh": cell.weight_hidden}
        named |= {"bias_ih": cell.bias, "bias_hh": torch.zeros_like(cell.bias)}
        for name, weight in named.items():
            getattr(lstm, f"{name}_l{layer}").data.copy_(weight)
    tokens = torch.tensor([[BEGIN, 5, 7, 4]])
    hidden, _ = lstm(model.embedding.weight[tokens] * math.sqrt(5))
    readout = torch.tanh(model.readout[1](hidden))
    logits = readout @ model.embedding.weight.T + model.output_bias
    torch.testing.assert_close(model.output(model(tokens)), logits)


def test_tied_weights_are_one_and_others_two():
    tied, untied = fresh_model(), fresh_model(tied=False)
    assert tied.output_weight is tied.embedding.weight
    assert untied.output_weight.shape == (12, 6)
    assert "output_weight" in dict(untied.named_parameters())
    assert parameter_count(tied) == parameter_count(untied) - 12 * 6 - (6 - 5) * 7


def test_the_source_does_not_matter():
    model = fresh_model().eval()
    one = collate(TokenizedSplit.of([[4, 5, 6], [7]], [[8, 9], [10]]), [0, 1])
    other = collate(TokenizedSplit.of([[11], [5, 5]], [[8, 9], [10]]), [0, 1])
    torch.testing.assert_close(model.readouts(one), model.readouts(other), rtol=0, atol=0)


def test_perplexity_by_hand():
    """A model whose every prediction is known: no weights but the output's bias."""
    model = fresh_model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        chances = {END: 0.5, 4: 0.25, 5: 0.125}
        model.output_bias.fill_(math.log(0.125 / 9))
        for token, chance in chances.items():
            model.output_bias[token] = math.log(chance)
    targets = [[4, 5], [4, 4, 4], [5]]
    pairs = [SentencePair("x", text) for text in ("a b", "c dd e", "f")]
    for batch_tokens in (1, 4, 1000):
        found = measure_perplexity(
            model, TokenizedSplit.of([[9]] * 3, targets), pairs, "test", batch_tokens
        )
        # 4 is written four times, 5 twice, and every sentence ends.
        nats = 4 * math.log(4) + 2 * math.log(8) + 3 * math.log(2)
        assert found.nats == pytest.approx(nats, rel=1e-6)
        assert (found.sentences, found.tokens, found.words) == (3, 9, 6 + 3)
    document = Perplexity("test", 12.0, 2, 8, 6).as_json()
    assert document["nats_per_token"] == 1.5
    assert document["perplexity_per_token"] == pytest.approx(math.exp(1.5))
    assert document["nats_per_word"] == 2
    assert document["perplexity_per_word"] == pytest.approx(math.exp(2))
    assert math.isfinite(Perplexity("test", 1e6, 1, 1, 1).as_json()["perplexity_per_word"])


def test_settings_are_kept_and_read_strictly(tmp_path):
    config = LanguageConfig(language_settings(preset("phrasebook")), 321)
    assert config.settings.training.label_smoothing == 0
    assert config.settings.model.hidden_size == preset("phrasebook").model.hidden_size
    write_language_config(tmp_path, config)
    assert read_language_config(tmp_path) == config
    document = to_json(config.settings)
    with pytest.raises(ConfigError, match="holds unknown fields: decoder"):
        language_from_json({**document, "model": {**document["model"], "decoder": "attention"}})
    with pytest.raises(ConfigError, match="Settings hold unknown groups: search"):
        language_from_json({**document, "search": {}})
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace('"layers": 2', '"layers": 0'))
    with pytest.raises(CheckpointError, match=r"is damaged: model.layers is 0; it must be at"):
        read_language_config(tmp_path)
    with pytest.raises(ConfigError, match="a language model translates nothing"):
        LanguageSettings(training=TrainingSettings(select_by="bleu"))


def train(run: str, *more: str) -> int:
    return main(["language-model", "--run", run, *QUICK, *more])


def run_of(name: str) -> Path:
    return Path("checkpoints") / name


def validations(name: str) -> list[dict]:
    events = [e for e in History(run_of(name)).events() if e["event"] == "validation"]
    return [{key: value for key, value in e.items() if key != "seconds"} for e in events]


def test_it_learns_and_its_perplexity_is_that_of_its_steps(counting_corpus, capsys):
    counting_corpus(300)
    assert train("learnt", "--training.epochs", "8") == 0
    said = capsys.readouterr()
    assert "BLEU" not in said.err
    assert "Write text with: seq2seq generate learnt" in said.err
    history = validations("learnt")
    assert history[-1]["nats_per_token"] < 0.7 * history[0]["nats_per_token"]
    assert "bleu" not in history[0]
    best = min(event["nats_per_token"] for event in history)
    kept = json.loads((run_of("learnt") / "scores.json").read_text())
    assert kept["validation"]["nats_per_token"] == pytest.approx(best, rel=1e-5)
    assert f"{kept['test']['perplexity_per_token']:.2f}" in said.out
    # Sentence by sentence and step by step, with torch's softmax.
    model, tokenizer = load_language_model(run_of("learnt")), Tokenizer.load(run_of("learnt"))
    lines = next(Path("data/prepared").glob("*/test.de")).read_text().splitlines()
    nats = 0.0
    with torch.no_grad():
        for tokens in tokenizer.encode_target(lines):
            state, before = model.start(1), BEGIN
            for token in [*tokens, END]:
                logits, state = model.step(torch.tensor([before]), state)
                nats -= float(torch.log_softmax(logits.double(), -1)[0, token])
                before = token
    assert kept["test"]["nats"] == pytest.approx(nats, rel=1e-5)
    words = sum(len(line.split()) + 1 for line in lines)
    assert kept["test"]["nats_per_word"] == pytest.approx(nats / words, rel=1e-5)


def test_resuming_after_ctrl_c_ends_with_the_same_bits(counting_corpus, monkeypatch, capsys):
    counting_corpus(200)
    assert train("whole") == 0
    update = Trainer._update

    def interrupt_at_13(self, batches):
        update(self, batches)
        if self.progress.update == 13:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Trainer, "_update", interrupt_at_13)
    assert train("cut") == 130
    assert "seq2seq language-model --run cut --resume" in capsys.readouterr().err
    monkeypatch.setattr(Trainer, "_update", update)
    assert load_training_state(run_of("cut"))["progress"]["update"] == 13
    torch.rand(5)  # the world's random numbers went on meanwhile
    assert main(["language-model", "--run", "cut", "--resume"]) == 0
    for file, load in (("training_state", load_training_state), ("model", load_best)):
        mine, theirs = load(run_of("whole")), load(run_of("cut"))
        mine, theirs = (one.get("weights", one) for one in (mine, theirs))
        assert all(torch.equal(mine[name], theirs[name]) for name in mine), file
    assert validations("whole") == validations("cut")
    scores = [(run_of(name) / "scores.json").read_text() for name in ("whole", "cut")]
    assert scores[0] == scores[1]
    capsys.readouterr()
    assert main(["language-model", "--run", "cut", "--resume"]) == 0  # it was finished
    assert "update" not in capsys.readouterr().err


def test_it_does_not_go_on_with_other_text(counting_corpus, workplace, capsys):
    counting_corpus(100)
    assert train("r", "--training.max-updates", "2") == 0
    history = run_of("r") / "metrics.jsonl"
    lines = history.read_text().splitlines(keepends=True)
    history.write_text("".join(line for line in lines if "finished" not in line))
    german = workplace / "counting.de"
    german.write_text(german.read_text(encoding="utf-8").replace("eins", "uno", 1), "utf-8")
    line = "checkpoints/r learns from counting as it was (fingerprint "
    capsys.readouterr()
    assert main(["language-model", "--run", "r", "--resume"]) == 2
    assert line in capsys.readouterr().err.strip().split("\n")[-1]


def load_best(folder: Path) -> dict:
    return load_weights(folder / "model.safetensors")


def test_text_is_written_from_it(counting_corpus, capsys):
    counting_corpus(100)
    assert train("r") == 0

    def texts(*options: str) -> list[str]:
        capsys.readouterr()
        assert main(["generate", "r", "--count", "6", "--max-tokens", "12", *options]) == 0
        return capsys.readouterr().out.split("\n")[:-1]

    once = texts("--prompt", "eins zwei")
    assert len(once) == 6
    assert all(text.startswith("eins zwei") for text in once)
    assert texts("--prompt", "eins zwei") == once != texts("--prompt", "eins zwei", "--seed", "2")
    assert len(set(texts("--temperature", "0"))) == 1
    assert len(set(texts("--temperature", "1.5", "--top-p", "1"))) > 1
    assert main(["generate", "r", "--max-tokens", "1", "--prompt", "eins"]) == 0
    assert "1 of 1 texts were cut after 1 subwords." in capsys.readouterr().err


def test_mistakes_get_one_line(counting_corpus, workplace, capsys):
    counting_corpus(60)
    assert train("l", "--training.max-updates", "2") == 0
    assert main(["train", "--run", "t", *TINY, "--training.max-updates", "2"]) == 0
    is_language_model = (
        "checkpoints/l is a language model, which translates nothing; "
        "write text with: seq2seq generate checkpoints/l"
    )
    is_translation = (
        "checkpoints/t is a translation run, not a language model; "
        "train one with: seq2seq language-model"
    )
    cases = [
        (["evaluate", "l"], is_language_model),
        (["translate", "l"], is_language_model),
        (["inspect", "l", "--source", "one"], is_language_model),
        (["train", "--run", "l", "--resume"], is_language_model),
        (["generate", "t"], is_translation),
        (["language-model", "--run", "t", "--resume"], is_translation),
        (["generate", "none"], "There is no run 'none'"),
        (["generate", "l", "--prompt", "a\udcff"], "--prompt is not valid Unicode text"),
        (["generate", "l", "--top-p", "0"], "--top-p is 0.0; it must be above 0"),
        (["generate", "l", "--count", "0"], "--count is 0; it must be at least 1."),
        (["language-model", "--run", "l"], "checkpoints/l exists already; go on with it by"),
        (["language-model", "fairytales"], "There is no preset 'fairytales'"),
        (["language-model", "--model.attention", "dot"], "--model.attention"),
        (["language-model", "--training.select-by", "bleu"], "translates nothing; leave it at"),
        (
            ["language-model", "--run", "l", "--resume", "--model.layers", "3"],
            "goes on with its own settings, but corpus.name is counting there",
        ),
    ]
    for arguments, line in cases:
        assert_refused(arguments, line, capsys)
    resume = [*QUICK, "--training.max-updates", "2", "--model.layers", "3"]
    line = "goes on with its own settings, but model.layers is 2 there and 3 here"
    assert_refused(["language-model", "--run", "l", "--resume", *resume], line, capsys)
    (workplace / "checkpoints/l/model.safetensors").unlink()
    assert_refused(["generate", "l"], "has not reached its first validation", capsys)


def assert_refused(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(arguments) == 2, arguments
    said = capsys.readouterr().err.strip()
    assert line in said
    assert "\n" not in said
