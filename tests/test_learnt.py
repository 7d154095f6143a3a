"""What text a run has learnt: found again, refused where it changed, said where nobody noted it."""

from pathlib import Path

import pytest

from seq2seq.checkpoint import RunConfig, write_config
from seq2seq.config import CorpusSettings, Settings
from seq2seq.errors import CheckpointError, CorpusError
from seq2seq.learnt import learnt_corpus, require_same_text, warn_of_other_text
from seq2seq.text.corpus import Corpus, load_corpus
from tests.conftest import write_counting_splits

PREPARED = Path("prepared")
RUN = Path("run")
TEXT = CorpusSettings(name="text", source_language="en", target_language="de")


@pytest.fixture
def corpus(workplace) -> Corpus:
    """Its text lies in `text/`, and a run that has learnt it in `run/`."""
    write_counting_splits(Path("text"))
    corpus = load_corpus(TEXT, PREPARED, lambda line: None)
    note(corpus.fingerprint)
    return corpus


def note(fingerprint: str | None) -> None:
    RUN.mkdir(exist_ok=True)
    write_config(RUN, RunConfig(Settings(corpus=TEXT), 10, 10, fingerprint))


def change_the_text() -> None:
    german = Path("text/train.de")
    german.write_text(german.read_text("utf-8").replace("eins", "uno", 1), "utf-8")


def test_the_text_is_found_again(corpus):
    said = []
    learnt = learnt_corpus(RUN, PREPARED, said.append)
    assert learnt.fingerprint == corpus.fingerprint
    assert list(learnt.splits["train"]) == list(corpus.splits["train"])
    assert said == []


def test_text_that_nobody_noted_is_taken_as_it_is_and_that_is_said(corpus):
    note(None)
    said = []
    assert learnt_corpus(RUN, PREPARED, said.append).fingerprint == corpus.fingerprint
    assert said == ["run: what text it learnt was not noted; taken to be text as it is"]


def test_changed_text_is_refused_without_advice_for_another_command(corpus):
    change_the_text()
    with pytest.raises(CheckpointError) as caught:
        learnt_corpus(RUN, PREPARED, lambda line: None)
    message = str(caught.value)
    assert message.startswith(f"run learnt from text as it was (fingerprint {corpus.fingerprint})")
    assert message.endswith("put the old text back.")


def test_text_that_is_gone_is_an_error_of_the_corpus(corpus):
    for file in Path("text").iterdir():
        file.unlink()
    Path("text").rmdir()
    with pytest.raises(CorpusError):
        learnt_corpus(RUN, PREPARED, lambda line: None)


def test_going_on_and_measuring_with_other_text(corpus):
    said = []
    for kept in (None, corpus.fingerprint):
        require_same_text(RUN, kept, corpus)
        warn_of_other_text(RUN, kept, corpus, said.append)
    assert said == []
    with pytest.raises(CheckpointError, match="start another run with --run NAME"):
        require_same_text(RUN, "another", corpus)
    warn_of_other_text(RUN, "another", corpus, said.append)
    assert len(said) == 1
    assert said[0].startswith("run: it learnt from text as it was (fingerprint another)")
