"""Runs' folders: written whole or not at all, and refused with one line when they are damaged."""

import errno
import json
import os
import pickle
from pathlib import Path

import pytest
import torch

from seq2seq.checkpoint import (
    RunConfig,
    build_model,
    find_run,
    load_model,
    load_training_state,
    load_weights,
    put_weights,
    read_config,
    save_training_state,
    save_weights,
    weights_of,
    write_config,
)
from seq2seq.config import ModelSettings, Settings, TokenizerSettings
from seq2seq.errors import CheckpointError

SMALL = Settings(
    tokenizer=TokenizerSettings(vocabulary_size=300),
    model=ModelSettings(embedding_size=4, hidden_size=6, attention_size=5),
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A saved run with weights and a training state."""
    folder = tmp_path / "checkpoints" / "small"
    config = RunConfig(SMALL, 300, 300)
    write_config(folder, config)
    torch.manual_seed(3)
    save_weights(folder / "model.safetensors", weights_of(build_model(config)))
    save_training_state(folder, {"version": 1, "progress": {"update": 7}})
    return folder


def refusal(call, *arguments) -> str:
    """The one line that a call is refused with."""
    with pytest.raises(CheckpointError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_config_comes_back_as_it_was(run):
    assert read_config(run) == RunConfig(SMALL, 300, 300)
    write_config(run, RunConfig(SMALL, 300, 301, "0123"))
    assert read_config(run) == RunConfig(SMALL, 300, 301, "0123")


def test_a_damaged_fingerprint_is_refused(run):
    document = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**document, "corpus": 7}))
    assert "config.json is damaged: corpus is 7; it must be text" in refusal(read_config, run)


@pytest.mark.parametrize("tied", ["none", "target", "all"])
def test_weights_come_back_bit_for_bit_with_shared_ones_shared(tmp_path, tied):
    settings = Settings(model=ModelSettings(embedding_size=4, hidden_size=6, tied=tied))
    write_config(tmp_path, RunConfig(settings, 300, 300))
    torch.manual_seed(5)
    model = build_model(RunConfig(settings, 300, 300))
    save_weights(tmp_path / "model.safetensors", weights_of(model))
    loaded = load_model(tmp_path)
    assert loaded.training is False
    for (name, one), (_, other) in zip(
        model.state_dict().items(), loaded.state_dict().items(), strict=True
    ):
        assert torch.equal(one, other), name
    shared = loaded.output_weight.data_ptr() == loaded.target_embedding.weight.data_ptr()
    assert shared is (tied != "none")


def test_no_temporary_file_stays(run):
    assert sorted(path.name for path in run.iterdir()) == [
        "config.json",
        "model.safetensors",
        "training_state.pt",
    ]


@pytest.mark.parametrize("name", ["model.safetensors", "training_state.pt"])
@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_truncated_files_are_refused(run, name, kept):
    path = run / name
    path.write_bytes(path.read_bytes()[:kept])
    call = load_weights if name.startswith("model") else lambda p: load_training_state(p.parent)
    assert "is truncated or" in refusal(call, path)


def test_weights_of_another_shape_are_refused(run):
    other = build_model(RunConfig(Settings(model=ModelSettings(hidden_size=8)), 300, 300))
    said = refusal(put_weights, other, load_weights(run / "model.safetensors"), run)
    assert "does not fit the run's settings" in said


@pytest.mark.parametrize("version", [99, 0, 1.0, [1], None])
def test_another_version_is_refused(run, version):
    document = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**document, "version": version}))
    assert f"is of version {version}; this program reads version 4" in refusal(read_config, run)


UNKNOWN_TO_VERSION_1 = {
    "model": {
        "query_word": False,
        "encoder_dropout": 0.0,
        "recurrent_dropout": 0.0,
        "sequence_dropout": False,
        "lexical_readout": "none",
    },
    "training": {"subword_sampling": None, "start_from": None},
}
UNKNOWN_TO_VERSION_2 = {
    "model": {"lexical_readout": "none"},
    "training": {"start_from": None},
}
UNKNOWN_TO_VERSION_3 = {"training": {"start_from": None}}


@pytest.mark.parametrize(
    ("version", "unknown"),
    [(1, UNKNOWN_TO_VERSION_1), (2, UNKNOWN_TO_VERSION_2), (3, UNKNOWN_TO_VERSION_3)],
)
def test_a_run_of_an_older_version_is_read_with_what_it_was_trained_with(run, version, unknown):
    document = json.loads((run / "config.json").read_text())
    now = read_config(run)  # the fixture's run has none of what came later
    for group, later in unknown.items():
        for name, value in later.items():
            assert document["settings"][group].pop(name) == value
    (run / "config.json").write_text(json.dumps({**document, "version": version}))
    assert read_config(run) == now


@pytest.mark.parametrize("text", ["{}", "[1]", '{"layout": "something else"}'])
def test_a_foreign_config_is_refused(run, text):
    (run / "config.json").write_text(text)
    assert "was not written by seq2seq" in refusal(read_config, run)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"])
def test_an_unreadable_config_is_refused(run, content):
    (run / "config.json").write_bytes(content)
    assert "cannot be read" in refusal(read_config, run)


def test_settings_of_another_program_are_refused(run):
    document = json.loads((run / "config.json").read_text())
    document["settings"]["model"]["hidden_sise"] = 3
    (run / "config.json").write_text(json.dumps(document))
    assert "hidden_sise" in refusal(read_config, run)


def test_a_pickle_is_not_executed(run):
    marker = run / "executed"

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    (run / "training_state.pt").write_bytes(pickle.dumps({"version": 1, "x": Evil()}))
    assert "is truncated or not ours" in refusal(load_training_state, run)
    torch.save({"version": 1, "x": Evil()}, run / "training_state.pt")
    assert "is truncated or not ours" in refusal(load_training_state, run)
    assert not marker.exists()


def test_a_training_state_of_another_version_is_refused(run):
    torch.save({"version": 99}, run / "training_state.pt")
    assert "not a training state of version 2" in refusal(load_training_state, run)


@pytest.mark.parametrize("name", ["model.safetensors", "training_state.pt"])
def test_a_missing_file_is_named(run, name):
    (run / name).unlink()
    call = load_model if name.startswith("model") else load_training_state
    assert f"{name} is missing" in refusal(call, run)


def test_a_full_disk_leaves_the_last_good_file(run, monkeypatch):
    before = (run / "model.safetensors").read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    weights = {name: weight + 1 for name, weight in load_weights(run / "model.safetensors").items()}
    said = refusal(save_weights, run / "model.safetensors", weights)
    assert "the disk is full; the last good one stays" in said
    assert (run / "model.safetensors").read_bytes() == before
    assert not list(run.glob(".*"))


def test_runs_are_found_by_path_and_by_name(run, monkeypatch):
    monkeypatch.chdir(run.parent.parent)
    assert find_run("small") == Path("checkpoints/small")
    assert find_run(str(run)) == run
    assert "under checkpoints/ there are small" in refusal(find_run, "smal")
    (run.parent / "empty").mkdir()
    assert "holds no run" in refusal(find_run, "empty")
