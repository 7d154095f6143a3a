"""Embeddings: unit variance for the recurrent layers, unit length for the output layer."""

import pytest
import torch

from seq2seq.model.embedding import Embedding


def test_an_embedding_is_its_row_times_the_root_of_its_size() -> None:
    embedding = Embedding(3, 4)
    with torch.no_grad():
        embedding.weight.copy_(torch.arange(12.0).view(3, 4))
    found = embedding(torch.tensor([[2, 0]]))
    assert found.tolist() == [[[16.0, 18.0, 20.0, 22.0], [0.0, 2.0, 4.0, 6.0]]]


def test_units_start_with_variance_one_and_rows_with_length_one() -> None:
    torch.manual_seed(0)
    embedding = Embedding(4000, 64)
    assert float(embedding(torch.arange(4000)).var().detach()) == pytest.approx(1, abs=0.02)
    assert float(embedding.weight.norm(dim=1).mean().detach()) == pytest.approx(1, abs=0.02)
