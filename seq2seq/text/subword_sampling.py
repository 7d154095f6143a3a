"""Training batches whose sentences are cut into subwords anew at every visit.

A sentence can be spelt in many subwords, and a model that sees several of its spellings learns
what words are made of: subword regularisation (Kudo 2018, "Subword Regularization: Improving
Neural Network Translation Models with Multiple Subword Candidates"), for byte-pair encoding
BPE-dropout (Provilkov et al. 2020).

Which pairs make a batch is still decided by the best cut, so that the order of an epoch and the
number of its updates do not change; a batch holds somewhat more tokens than it was planned for.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from seq2seq.text.batches import Batch, TokenizedSplit, collate
from seq2seq.text.pair_files import PairFiles
from seq2seq.text.segmentation import RandomSegmenter


class SubwordSampler:
    """Batches of one split under fresh cuts.

    The cut is a function of the seed, the epoch and the batch's place in it, so that a resumed
    run sees the very tokens that it would have seen.

    Args:
        pairs: the split's text.
        segmenters: the source's and the target's, see `Tokenizer.segmenters`.
        seed: the training seed.
    """

    def __init__(
        self, pairs: PairFiles, segmenters: tuple[RandomSegmenter, RandomSegmenter], seed: int
    ) -> None:
        """Open nothing yet."""
        self.pairs = pairs
        self.segmenters = segmenters
        self.seed = seed

    def __call__(self, rows: NDArray[np.int64], epoch: int, place: int) -> Batch:
        """The tensors of these rows, visited as batch number `place` of this epoch."""
        pairs = [self.pairs[int(row)] for row in rows]
        source, target = (
            segmenter.segment([pair[side] for pair in pairs], self._seed_of(side, epoch, place))
            for side, segmenter in enumerate(self.segmenters)
        )
        batch = collate(TokenizedSplit.of(source, target), np.arange(len(rows)))
        own_rows = batch.rows.new_tensor(np.array(rows, dtype=np.int64))
        return batch._replace(rows=own_rows)

    def _seed_of(self, side: int, epoch: int, place: int) -> int:
        name = f"{self.seed} {epoch} {place} {side}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest())
