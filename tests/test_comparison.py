"""Comparisons from end to end on a tiny language, by the commands a user types."""

from __future__ import annotations

import copy
import html
import html.parser
import json
import os
import re
import shutil
import signal
from pathlib import Path

import pytest
import torch

from seq2seq import comparison, language, pipeline, translating
from seq2seq.checkpoint import load_model
from seq2seq.cli import main
from seq2seq.errors import TrainingError
from seq2seq.evaluation.material import Entrant, Material
from seq2seq.evaluation.scores import paired_randomization
from seq2seq.report.answer_how import cost
from seq2seq.text.batches import collate
from seq2seq.text.tokenized import TokenizedSplit
from seq2seq.text.tokenizer import END, Tokenizer
from seq2seq.training.history import History
from seq2seq.training.loop import Trainer
from tests.conftest import TINY, counting_pairs

COMPARISONS = Path("checkpoints/comparisons")
SHORT = [*TINY, "--training.max-updates", "6"]


def compare(*arguments: str) -> int:
    return main(["compare", "--run", "small", *SHORT, *arguments])


def document_of(name: str) -> dict:
    return json.loads((COMPARISONS / name / "comparison.json").read_text(encoding="utf-8"))


def last_line(capsys) -> str:
    return capsys.readouterr().err.strip().split("\n")[-1]


class Page(html.parser.HTMLParser):
    """Collects what a page would fetch or run, and whether its tags pair up."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)
        if tag in ("script", "link", "iframe", "object", "embed"):
            self.outside.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data") and not (
                value.startswith(("data:", "#"))
            ):
                self.outside.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open = self.open[:-1] if tag not in ("meta", "img", "br", "link") else self.open

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_ladder_over_seeds(counting_corpus, capsys, monkeypatch):
    counting_corpus(300)
    assert compare("--systems", "rnn", "lstm", "attention", "--seeds", "1", "2", "--name", "x") == 0
    out = capsys.readouterr().out
    assert out.endswith("The report lies in checkpoints/comparisons/x/report.html.\n")
    document = document_of("x")
    sizes = document["matching"]["hidden_sizes"]
    assert sizes["lstm"] == sizes["attention"] == 16 < sizes["rnn"]
    runs = {
        (system["name"], run["seed"]): Path(run["folder"])
        for system in document["systems"]
        for run in system["runs"]
    }
    grown = f"small-rnn-h{sizes['rnn']}"
    assert [str(folder.relative_to("checkpoints")) for folder in runs.values()] == [
        grown, f"{grown}-seed2", "small-lstm", "small-lstm-seed2", "small-attention",
        "small-attention-seed2",
    ]  # fmt: skip
    counts = [system["parameters"] for system in document["systems"]]
    assert max(counts) - min(counts) <= 0.05 * max(counts)

    for system in document["systems"]:
        scores = [
            json.loads((runs[system["name"], seed] / "scores.json").read_text())["test"]["scores"]
            for seed in (1, 2)
        ]
        for name, one, two in zip(("BLEU", "chrF2", "TER"), *scores, strict=True):
            found = system["scores"]["test"][name]
            assert found["mean"] == pytest.approx((one["value"] + two["value"]) / 2)
            difference = abs(one["value"] - two["value"])
            assert found["deviation"] == pytest.approx(difference / 2**0.5)
            assert found["signature"] == one["signature"]

    assert_paired_tests_are_of_the_kept_translations(document, runs)
    assert_report_is_whole(COMPARISONS / "x", document)
    monkeypatch.setattr(Trainer, "_update", None)  # any further training would fail
    before = (COMPARISONS / "x/report.html").read_bytes()
    assert compare("--systems", "rnn", "lstm", "attention", "--seeds", "1", "2", "--name", "x") == 0
    assert (COMPARISONS / "x/report.html").read_bytes() == before
    assert_redrawn_alone("x", before, capsys)


def assert_paired_tests_are_of_the_kept_translations(document: dict, runs: dict) -> None:
    (reference,) = Path("data/prepared").glob("*/test.de")
    assert document["significance"]["baseline"] == "rnn"
    for seed in (1, 2):
        first, *others = (
            (runs[name, seed] / "translations.test.txt").read_text("utf-8").splitlines()
            for name in ("rnn", "lstm", "attention")
        )
        _, *tested = paired_randomization(
            [first, *others], reference.read_text("utf-8").splitlines()
        )
        found = [
            test["p_value"] for test in document["significance"]["tests"] if test["seed"] == seed
        ]
        assert found == [score.p_value for scores in tested for score in scores]


def assert_report_is_whole(folder: Path, document: dict) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.outside == []
    assert "@import" not in text
    assert re.findall(r"url\((?!#|data:)", text) == []
    assert "prefers-color-scheme: dark" in text
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings == [
        "Which is better, and is it more than noise?",
        "Where?",
        "At what cost?",
        "How did they learn?",
        "What do they look at?",
        "Which sentences do they translate most differently?",
        "How was this compared?",
    ]
    figures = {path.name for path in folder.iterdir() if path.suffix in (".png", ".svg")}
    names = ["length", "rarity", "learning"]
    names += [f"attention-{number + 1}" for number in range(len(document["maps"]))]
    mapped = [(one["split"], one["row"]) for one in document["maps"]]
    assert len(mapped) == len(set(mapped))
    assert {(one["split"], one["row"]) for one in document["samples"]} < set(mapped)
    assert figures == {f"{name}{ending}" for name in names for ending in (".png", ".svg")}
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == headings
    assert sorted(re.findall(r"\]\(([\w-]+\.png)\)", markdown)) == sorted(
        f"{name}.png" for name in names
    )
    for score in document["systems"][0]["scores"]["test"].values():
        assert score["signature"] in text
        assert f"{score['mean']:.2f} ± {score['deviation']:.2f}" in text
        assert f"{score['mean']:.2f} ± {score['deviation']:.2f}" in markdown
    for sentence in document["samples"]:
        assert sentence["reference"] in text
        assert sentence["reference"] in markdown


def assert_redrawn_alone(name: str, before: bytes, capsys) -> None:
    """From comparison.json and nothing else, the same report again."""
    folder = COMPARISONS / name
    shutil.move(folder, "alone")
    shutil.rmtree("checkpoints")
    shutil.rmtree("data")
    for path in Path("alone").iterdir():
        if path.name != "comparison.json":
            path.unlink()
    capsys.readouterr()
    assert main(["report", "alone"]) == 0
    assert capsys.readouterr().out == "The report lies in alone/report.html.\n"
    assert Path("alone/report.html").read_bytes() == before


def test_matching_may_be_left_out(counting_corpus, capsys):
    counting_corpus(60)
    assert compare("--systems", "rnn", "lstm", "--match", "none") == 0
    document = document_of("small-rnn-lstm")
    assert [system["hidden_size"] for system in document["systems"]] == [16, 16]
    assert [system["runs"][0]["folder"] for system in document["systems"]] == [
        "checkpoints/small-rnn",
        "checkpoints/small-lstm",
    ]
    assert document["matching"]["rule"] is None
    report = Path("checkpoints/comparisons/small-rnn-lstm/report.md").read_text()
    assert "parameters were not matched" in report


def test_the_language_model_is_the_ladders_ground_floor(
    counting_corpus, capsys, monkeypatch, no_pictures
):
    counting_corpus(100)
    rungs = ["--systems", "language-model", "lstm", "attention", "--seeds", "1", "2"]
    assert compare(*rungs, "--name", "x") == 0
    out = capsys.readouterr().out
    document = document_of("x")
    assert [system["name"] for system in document["systems"]] == ["lstm", "attention"]
    assert document["significance"]["baseline"] == "lstm"
    model = document["language_model"]
    folders = [Path(run["folder"]) for run in model["runs"]]
    assert [folder.name for folder in folders] == [
        "small-language-model", "small-language-model-seed2",
    ]  # fmt: skip
    alone = [
        json.loads((folder / "scores.json").read_text())["test"]["nats_per_word"]
        for folder in folders
    ]
    assert model["perplexity"]["test"]["nats_per_word"]["mean"] == pytest.approx(sum(alone) / 2)
    known = [slow_nats(Path(f"checkpoints/small-lstm{seed}")) for seed in ("", "-seed2")]
    found = model["systems"]["lstm"]["test"]["nats_per_word"]
    assert found["mean"] == pytest.approx(sum(known) / 2, rel=1e-5)
    assert (found["least"], found["most"]) == pytest.approx((min(known), max(known)), rel=1e-5)

    saved = f"{sum(alone) / 2 - sum(known) / 2:.2f}".replace("-", "−")
    folder = COMPARISONS / "x"
    for text in (out, (folder / "report.md").read_text(), (folder / "report.html").read_text()):
        row = next(line for line in text.split("lstm")[1:] if f"{found['mean']:.3f} ±" in line)
        assert saved in row
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h2>What is the source worth?</h2>" in page
    listed = "".join(f"<li>{html.escape(text)}</li>" for text in model["texts"])
    assert f'<ul lang="de">{listed}</ul>' in page
    assert len(model["texts"]) == 4
    assert main(["generate", folders[0].name, "--count", "4", "--max-tokens", "60"]) == 0
    written = capsys.readouterr().out
    assert "".join(text.removesuffix(" …") + "\n" for text in model["texts"]) == written

    assert_costs_have_memory(document, page)
    assert_costs_have_precision(document, page)
    # The same from runs that exist, wherever the language model is named.
    monkeypatch.setattr(Trainer, "_update", None)  # any further training would fail
    names = ["small-lstm", "small-language-model", "small-attention"]
    assert main(["compare", *names, "--name", "y"]) == 0
    again = document_of("y")
    assert [system["name"] for system in again["systems"]] == ["small-lstm", "small-attention"]
    assert again["language_model"]["perplexity"]["test"]["nats_per_word"]["mean"] == alone[0]


def slow_nats(run: Path) -> float:
    """Nats a word of the test's target, sentence by sentence with torch's own loss."""
    model, tokenizer = load_model(run), Tokenizer.load(run)
    english, german = (
        next(Path("data/prepared").glob(f"*/test.{language}")).read_text("utf-8").splitlines()
        for language in ("en", "de")
    )
    nats = 0.0
    sources, targets = tokenizer.encode_source(english), tokenizer.encode_target(german)
    with torch.no_grad():
        for source, target in zip(sources, targets, strict=True):
            batch = collate(TokenizedSplit.of([source], [target]), [0])
            logits = model.output(model.readouts(batch))[0]
            wanted = torch.tensor([*target, END])
            nats += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
    return nats / sum(len(line.split()) + 1 for line in german)


def assert_costs_have_memory(document: dict, page: str) -> None:
    """Each rung's peak, the highest of its seeds, in the table of costs."""
    for rung in [document["language_model"], *document["systems"]]:
        peaks = [run["peak_bytes"] for run in rung["runs"]]
        assert all(peak > 50e6 for peak in peaks)  # the interpreter with torch alone has more
        row = page.split("<h2>At what cost?</h2>")[1].split(f"<td>{rung['name']}</td>")[1]
        cells = re.findall(r'<td class="number">([^<]*)</td>', row.split("</tr>")[0])
        assert f"{max(peaks) / 1e6:,.0f}" in cells


def assert_costs_have_precision(document: dict, page: str) -> None:
    """What the runs say they were trained in, and a warning where that differs."""
    started = History(Path("checkpoints/small-lstm")).events()[0]
    assert document["systems"][0]["runs"][0]["precision"] == started["precision"]
    costs = page.split("<h2>At what cost?</h2>")[1].split("</table>")[0]
    assert costs.count(f">{started['precision']}</td>") == 3
    notes = ("Runs differ in the precision", "– for precision: not noted")
    for other, expected in (("float64", notes[:1]), (None, notes[1:])):
        mixed = copy.deepcopy(document)
        mixed["systems"][1]["runs"][0]["precision"] = other
        table, *paragraphs = cost(mixed)
        shown = sorted([started["precision"], other or "–"])
        assert " and ".join(shown) in table.rows[2]
        text = " ".join(paragraph.text for paragraph in paragraphs)
        assert [note for note in notes if note in text] == list(expected)
    assert not any(note in page for note in notes)


def test_a_language_model_that_cannot_stand_below(counting_corpus, capsys):
    counting_corpus(60)
    few = [*TINY, "--training.max-updates", "2"]
    plain = [option for option in few if option not in ("--model.attention-size", "8")]
    assert main(["train", "--run", "t", *few]) == 0
    for run, more in (
        ("l", ["--model.layers", "1"]),
        ("deep", []),
        ("other", ["--tokenizer.no-joint"]),
    ):
        assert main(["language-model", "--run", run, *plain, *more]) == 0
    for names, line in (
        (["l", "l2"], "There is no run 'l2'"),
        (["l", "deep"], "Language models translate nothing to compare; name a translation run."),
        (["t", "l", "deep"], "l and deep are language models that differ in more than the seed; "),
        (["t", "other"], "other and t have different tokenizers, so that their perplexities"),
    ):
        assert main(["compare", *names]) == 2
        assert line in last_line(capsys)
    assert compare("--systems", "language-model") == 2
    assert "A language model alone translates nothing to compare; " in last_line(capsys)
    assert not COMPARISONS.exists()


def test_a_failed_language_model_is_shown_and_the_systems_go_on(
    counting_corpus, capsys, monkeypatch, no_pictures
):
    counting_corpus(60)

    def fail(*_):
        raise TrainingError("The loss is no longer a number.")

    monkeypatch.setattr(language, "train_language_run", fail)
    assert compare("--systems", "language-model", "lstm", "attention", "--name", "x") == 2
    page = (COMPARISONS / "x/report.html").read_text()
    assert "language-model, seed 1: failed. The loss is no longer a number." in page
    assert "What is the source worth?" not in page
    assert len(document_of("x")["systems"]) == 2


def test_a_failed_system_is_shown_and_the_others_go_on(
    counting_corpus, capsys, monkeypatch, no_pictures
):
    counting_corpus(60)
    train = pipeline.train_run

    def fail(settings, folder, resume, report, display):
        if folder.name == "small-gru":
            raise TrainingError("The loss is no longer a number.")
        if folder.name == "small-dot":
            raise RuntimeError("out of\nmemory <here>")
        train(settings, folder, resume, report, display)

    monkeypatch.setattr(pipeline, "train_run", fail)
    systems = ["--systems", "gru", "lstm", "dot", "attention", "--match", "none", "--name", "x"]
    assert compare(*systems) == 2
    captured = capsys.readouterr()
    assert "small-gru: failed: The loss is no longer a number." in captured.err
    assert "checkpoints/small-dot failed: RuntimeError: out of memory <here>" in captured.out
    document = document_of("x")
    failures = {s["name"]: s["runs"][0]["failure"] for s in document["systems"]}
    assert failures == {
        "gru": "The loss is no longer a number.",
        "lstm": None,
        "dot": "RuntimeError: out of memory <here>",
        "attention": None,
    }
    assert document["significance"]["baseline"] == "lstm"
    assert {test["system"] for test in document["significance"]["tests"]} == {"attention"}
    page = (COMPARISONS / "x/report.html").read_text()
    assert "dot, seed 1: failed. RuntimeError: out of memory &lt;here&gt;" in page

    monkeypatch.setattr(pipeline, "train_run", None)
    assert compare("--systems", "gru", "dot", "--match", "none") == 2
    said = last_line(capsys)
    assert said.startswith("seq2seq: All 2 runs failed, the first one thus: TypeError: ")


def test_systems_keep_their_order_whichever_seed_failed():
    entrants = [
        Entrant(
            system, seed, Path(f"{system}{seed}"), "broken" if f"{system}{seed}" in bad else None
        )
        for bad in [("rnn1", "gru1", "gru2")]
        for seed in (1, 2)
        for system in ("rnn", "gru", "lstm")
    ]
    standing = Material(entrants, None, [], {}).standing
    assert [(system, [run.seed for run in runs]) for system, runs in standing.items()] == [
        ("rnn", [2]),
        ("lstm", [1, 2]),
    ]


def test_ctrl_c_keeps_what_is_done(counting_corpus, capsys, monkeypatch, no_pictures):
    counting_corpus(60)
    update = Trainer._update
    trained: list[str] = []

    def interrupt(self, batches):
        update(self, batches)
        trained.append(self.folder.name)
        if trained.count("small-attention") == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Trainer, "_update", interrupt)
    assert compare("--name", "x") == 130
    assert last_line(capsys) == "Saved. The same command goes on from here."
    assert trained == ["small-lstm"] * 6 + ["small-attention"] * 3
    assert not (COMPARISONS / "x").exists()
    assert compare("--name", "x") == 0
    assert trained == ["small-lstm"] * 6 + ["small-attention"] * 6
    assert all(system["runs"][0]["updates"] == 6 for system in document_of("x")["systems"])


def test_scores_of_another_search_or_of_older_weights_are_made_anew(counting_corpus, monkeypatch):
    counting_corpus(60)
    monkeypatch.setattr(comparison, "write_report", lambda document, folder: None)
    assert compare("--name", "x") == 0
    evaluated: list[str] = []
    evaluate = translating.evaluate_run

    def note(name, *rest):
        evaluated.append(Path(name).name)
        return evaluate(name, *rest)

    monkeypatch.setattr(translating, "evaluate_run", note)
    assert compare("--name", "x") == 0
    assert evaluated == []
    assert main(["evaluate", "small-lstm", "--beam-size", "1"]) == 0
    evaluated.clear()
    assert compare("--name", "x") == 0
    assert evaluated == ["small-lstm"]
    evaluated.clear()
    weights = Path("checkpoints/small-attention/model.safetensors")
    later = weights.stat().st_mtime + 1000
    os.utime(weights, (later, later))
    assert compare("--name", "x") == 0
    assert evaluated == ["small-attention"]


def test_runs_that_exist(counting_corpus, capsys, no_pictures):
    counting_corpus(100)
    for run, seed in (("a", "1"), ("a2", "2"), ("b", "1")):
        more = ["--system", "lstm"] if run == "b" else []
        assert main(["train", "--run", run, *SHORT, "--training.seed", seed, *more]) == 0
    assert main(["compare", "a", "a2", "b"]) == 0
    document = document_of("a-vs-a2-vs-b")
    assert {s["name"]: [run["seed"] for run in s["runs"]] for s in document["systems"]} == {
        "a": [1, 2],  # they differ in nothing but the seed
        "b": [1],
    }
    assert document["settings"]["model.decoder"] == {"a": "attention", "b": "context-vector"}
    assert {test["seed"] for test in document["significance"]["tests"]} == {1}
    assert document["matching"] is None
    page = Path("checkpoints/comparisons/a-vs-a2-vs-b/report.md").read_text(encoding="utf-8")
    assert f"In common: the same text ({document['corpus']['fingerprint']}), the same sub" in page
    capsys.readouterr()
    assert main(["compare", "b", "a", "--name", "y", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document_of("y")


def test_a_folder_that_cannot_be_written(counting_corpus, capsys, monkeypatch):
    counting_corpus(100)
    for run, more in (("a", []), ("b", ["--system", "lstm"])):
        assert main(["train", "--run", run, *SHORT, *more]) == 0
    assert main(["evaluate", "a"]) == 0
    capsys.readouterr()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert main(["evaluate", "b", "--json"]) == 0
    shown = capsys.readouterr()
    assert "b: its folder cannot be written: scores are shown, but not kept" in shown.err
    assert json.loads(shown.out)
    assert not Path("checkpoints/b/scores.json").exists()
    assert main(["compare", "a", "b"]) == 2
    assert (
        "checkpoints/b cannot be written, and its translations of test are missing or old; "
        "compare a copy of it."
    ) in capsys.readouterr().err


def test_no_figure_is_cut_off_beside_a_long_name(counting_corpus, capsys, no_pictures):
    counting_corpus(100)
    long = "a-name-" * 12
    for run, seed in ((long, "1"), ("a", "1")):
        more = ["--system", "lstm"] if run == "a" else []
        assert main(["train", "--run", run, *SHORT, "--training.seed", seed, *more]) == 0
    capsys.readouterr()
    assert main(["compare", long, "a"]) == 0
    shown = capsys.readouterr().out
    assert "…" not in shown
    (scores,) = [
        line for line in shown.split("\n") if line.strip().startswith(long) and "[" in line
    ]
    by_name = document_of(f"{long}-vs-a")["systems"][0]["scores"]["test"]
    assert scores.split()[-2:] == [f"{by_name[name]['mean']:.1f}" for name in ("chrF2", "TER")]


def test_an_average_is_no_seed_of_what_it_was_made_from(counting_corpus, no_pictures):
    counting_corpus(100)
    kept = ["--training.average-last", "2", "--training.validate-every", "2"]
    for run, seed in (("a", "1"), ("a2", "2")):
        assert main(["train", "--run", run, *SHORT, *kept, "--training.seed", seed]) == 0
        assert main(["average", run]) == 0

    def systems(*runs: str) -> dict[str, list[int]]:
        assert main(["compare", *runs, "--name", "x"]) == 0
        return {s["name"]: [r["seed"] for r in s["runs"]] for s in document_of("x")["systems"]}

    assert systems("a2", "a-average") == {"a2": [2], "a-average": [1]}
    assert systems("a-average", "a", "a2-average", "a2") == {"a-average": [1, 2], "a": [1, 2]}


def test_runs_that_cannot_be_compared(counting_corpus, capsys, workplace):
    counting_corpus(60)
    few = [*TINY, "--training.max-updates", "2"]
    assert main(["train", "--run", "first", *few]) == 0
    back = ["--corpus.source-language", "de", "--corpus.target-language", "en"]
    assert main(["train", "--run", "back", *few, *back]) == 0
    assert main(["train", "--run", "split", *few, "--corpus.split-seed", "1"]) == 0
    # The same source sentences, of which the cut takes the same for the test; another target.
    for ending, side in (("en", 0), ("de", 1)):
        text = "".join(pair[side] + "\n" for pair in counting_pairs(60))
        (workplace / f"other.{ending}").write_text(text.replace("eins", "Eins"))
    assert main(["train", "--run", "target", *few, "--corpus.name", "other"]) == 0
    assert main(["train", "--run", "less", *few, "--corpus.test-pairs", "3"]) == 0
    for run, why in (
        ("back", r"one translates en to de, the other de to en"),
        ("split", r"their test sets differ: sentence \d+ reads “[a-z ]+” and “[a-z ]+”. Train"),
        ("target", r"the target text of their test sets differs: sentence \d+ should read "
                   r"“.*eins.*” and “.*Eins.*”"),
        ("less", r"their test sets differ: \d+ and \d+ sentences"),
    ):  # fmt: skip
        assert main(["compare", "first", run]) == 2
        assert re.match(f"seq2seq: first and {run} cannot be compared: {why}", last_line(capsys))
    assert not COMPARISONS.exists()


def test_what_is_not_in_common_is_not_claimed(counting_corpus, capsys, no_pictures):
    """Other training text, the same test sentences: compared, and said."""
    counting_corpus(60)
    few = [*TINY, "--training.max-updates", "2"]
    assert main(["train", "--run", "all", *few]) == 0
    assert main(["train", "--run", "short", *few, "--corpus.max-words", "4"]) == 0
    assert main(["compare", "all", "short", "--name", "x"]) == 0
    page = (COMPARISONS / "x/report.md").read_text(encoding="utf-8")
    assert "In common: the same test sentences, but not the same training text" in page
    assert "the same batches" not in page
    assert document_of("x")["settings"]["corpus.max_words"] == {"all": 200, "short": 4}


def test_runs_of_other_text_are_not_taken_for_the_same(
    counting_corpus, workplace, capsys, no_pictures
):
    counting_corpus(60)
    assert compare("--systems", "lstm", "--name", "x") == 0
    german = workplace / "counting.de"
    german.write_text(german.read_text(encoding="utf-8").replace("eins", "uno", 1), "utf-8")
    assert compare("--systems", "lstm", "attention", "--match", "none") == 2
    assert last_line(capsys) == (
        "seq2seq: checkpoints/small-lstm was trained on other text (counting or the rules of "
        "cleaning have changed since); name this comparison differently with --run, or delete "
        "that folder."
    )
    assert main(["train", "--run", "new", *SHORT]) == 0
    assert main(["compare", "small-lstm", "new", "--name", "y"]) == 0
    assert "small-lstm: it learnt from counting as it was" in capsys.readouterr().err
    page = (COMPARISONS / "y/report.md").read_text(encoding="utf-8")
    assert "In common: the same test sentences, but not the same training text" in page


def test_an_unfinished_run_is_refused(counting_corpus, capsys):
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0
    history = Path("checkpoints/r/metrics.jsonl")
    lines = history.read_text().splitlines(keepends=True)
    shutil.copytree("checkpoints/r", "checkpoints/s")
    history.write_text("".join(line for line in lines if "finished" not in line))
    assert main(["compare", "r", "s"]) == 2
    assert "checkpoints/r is not trained to its end; go on with --resume." in last_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--systems", "lstm", "lstm"], "lstm stands twice among the systems; name each once."),
        (["--seeds", "1", "1"], "1 stands twice among the seeds; name each once."),
        (["--systems"], "--systems names nothing; leave it out, or say what."),
        (["--match", "size"], "invalid choice 'size'"),
        (["multi31k"], "There is no preset 'multi31k'; there are phrasebook, multi30k, own."),
        (["one", "two"], "There is no run 'one'; under checkpoints/ there are none yet"),
    ],
)
def test_mistakes(arguments, line, workplace, capsys):
    assert main(["compare", *arguments]) == 2
    said = last_line(capsys)
    assert said.startswith("seq2seq: ")
    assert line in said


def test_one_run_or_one_twice_is_a_mistake(counting_corpus, capsys):
    counting_corpus(60)
    assert main(["train", "--run", "r", *TINY, "--training.max-updates", "2"]) == 0
    assert main(["compare", "r"]) == 2
    assert last_line(capsys) == "seq2seq: Name at least two runs: seq2seq compare RUN RUN."
    assert main(["compare", "r", "checkpoints/r"]) == 2
    assert "checkpoints/r stands twice among the runs; name each once." in last_line(capsys)


def test_reports_that_cannot_be_drawn(workplace, capsys):
    assert main(["report", "none"]) == 2
    assert "none holds no comparison: it has no comparison.json" in last_line(capsys)
    path = COMPARISONS / "x/comparison.json"
    path.parent.mkdir(parents=True)
    for content, line in (
        ("{", "comparison.json cannot be read: "),
        ('{"a": 1}', "comparison.json was not written by seq2seq compare."),
        ('{"layout": "seq2seq comparison", "version": 99}', "is of version 99; this program reads"),
        ('{"layout": "seq2seq comparison", "version": 1}', "reads version 2. Compare again."),
        ('{"layout": "seq2seq comparison", "version": 2}', "is damaged: it lacks "),
    ):
        path.write_text(content)
        assert main(["report", "x"]) == 2
        assert line in last_line(capsys)
