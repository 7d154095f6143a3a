"""Gradient by distance in a translation run's encoder, over real sentences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.checkpoint import find_run, load_model, read_config
from seq2seq.errors import CorpusError
from seq2seq.memory.gradients import Curve, median_over, path_products, state_jacobians
from seq2seq.model.cells import RecurrentCell, RNNCell
from seq2seq.model.encoder_decoder import EncoderDecoder
from seq2seq.starting import first_model
from seq2seq.text.corpus import load_corpus
from seq2seq.text.tokenizer import BEGIN, END, Tokenizer
from seq2seq.training.averaging import average_kind

_SENTENCES = 8
_AMONG = 500  # the longest of so many
_PREPARED = Path("data/prepared")

Tokens = tuple[Tensor, Tensor]  # source with END, [1, source]; target from BEGIN to END


def measure_run(name: str, report: Callable[[str], None]) -> list[Curve]:
    """A run's encoder with the weights it began with and with its best ones.

    An average of weights never began: of such a run there are the best ones alone. The cell is
    that of the first layer, reading forwards; distances are in the order of reading.

    Args:
        name: of the run.
        report: receives one line a message.

    Raises:
        CheckpointError: there is no such run, it has no weights, or the run that it started from
            is gone.
        CorpusError: the run's corpus has no sentences to read.
    """
    folder = find_run(name)
    config = read_config(folder)
    sentences = _sentences(folder, report)
    longest, shortest = (pick(s.shape[1] for s, _ in sentences) for pick in (max, min))
    report(f"{folder.name}: {len(sentences)} sentences of {shortest} to {longest} source tokens")
    models = {True: load_model(folder)}
    if kind := average_kind(folder):
        report(f"{folder.name} is an average of {kind}, which never began to train")
    else:
        start = config.settings.training.start_from
        first = first_model(config, find_run(start) if start else None)
        models = {False: first.eval(), **models}
    label = f"{config.settings.model.cell} ({config.settings.model.decoder})"
    return [_curve(model, sentences, label, trained) for trained, model in models.items()]


def _sentences(folder: Path, report: Callable[[str], None]) -> list[Tokens]:
    """The longest of the first validation sentences."""
    settings = read_config(folder).settings
    corpus = load_corpus(settings.corpus, _PREPARED, report)
    pairs = corpus.splits["validation"]
    tokenizer = Tokenizer.load(folder)
    some = [pairs[row] for row in range(min(_AMONG, len(pairs)))]
    sources = tokenizer.encode_source([pair.source for pair in some])
    targets = tokenizer.encode_target([pair.target for pair in some])
    both = sorted(zip(sources, targets, strict=True), key=lambda pair: -len(pair[0]))[:_SENTENCES]
    if not both:
        raise CorpusError("The corpus has no validation sentences to draw gradients over.")
    return [
        (torch.tensor([[*source, END]]), torch.tensor([[BEGIN, *target, END]]))
        for source, target in both
    ]


def _curve(model: EncoderDecoder, sentences: list[Tokens], label: str, trained: bool) -> Curve:
    model = model.double()
    cell = model.encoder.layers.forward_cells[0]
    assert isinstance(cell, RecurrentCell)
    norms, arrived, paths = [], [], []
    for source, target in sentences:
        embedded = model.source_embedding(source).detach()
        arrived.append(input_gradients(model, embedded, target))
        if model.encoder.reverse_source:
            embedded, arrived[-1] = embedded.flip(1), arrived[-1].flip(0)
        with torch.no_grad():
            projected = cell.project(embedded)
            start = cell.zero_state(1, embedded)
            matrices = torch.cat(state_jacobians(cell, projected, start))
            norms.append(torch.linalg.matrix_norm(matrices, 2))
            if not isinstance(cell, RNNCell):
                length = torch.tensor([embedded.shape[1]])
                outputs, _ = cell.unroll(embedded, length, start)
                paths.append(path_products(cell, projected, outputs)[0])
    return Curve(label, trained, median_over(norms), median_over(arrived), median_over(paths))


def input_gradients(model: EncoderDecoder, embedded: Tensor, target: Tensor) -> Tensor:
    """‖∂loss/∂x_t‖ of a sentence's mean cross-entropy, by distance from its end: [source].

    Args:
        model: any.
        embedded: the source's embeddings, [1, source, embedding].
        target: tokens from BEGIN to END, [1, 1 + target].
    """
    embedded = embedded.detach().requires_grad_()
    length = torch.tensor([embedded.shape[1]])
    memory = model.decoder.remember(model.encoder(embedded, length))
    readouts = model.decoder.unroll(model.target_embedding(target[:, :-1]), memory)
    loss = functional.cross_entropy(model.output(readouts)[0], target[0, 1:])
    (errors,) = torch.autograd.grad(loss, embedded)
    lengths: Tensor = errors[0].norm(dim=-1).flip(0)
    return lengths
