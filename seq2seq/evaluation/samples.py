"""Sentences to show: some chosen by rule, and those that the systems translate most differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seq2seq.evaluation.scores import sentence_chrf

MOST_DIFFERENT = 6


def chosen_rows(sizes: Mapping[str, int], splits: Sequence[str]) -> list[tuple[str, int]]:
    """Three sentences by rule, so that nobody picks the nice ones: (split, row).

    From a third and two thirds of the first split, and from the middle of the last.
    """
    first, last = splits[0], splits[-1]
    return [
        (first, sizes[first] // 3),
        (first, 2 * sizes[first] // 3),
        (last, sizes[last] // 2),
    ]


def most_different(
    translations: Mapping[str, Sequence[str]], references: Sequence[str], count: int
) -> list[tuple[int, dict[str, float]]]:
    """The sentences on which systems differ most, whichever of them is the better one.

    Args:
        translations: system → its sentences.
        references: what they should be.
        count: of sentences.

    Returns:
        (row, chrF2 of each system), by falling difference of the highest and the lowest chrF2;
        sentences on which all are alike are left out.
    """
    scores = {system: sentence_chrf(lines, references) for system, lines in translations.items()}
    by_row = [
        {system: values[row] for system, values in scores.items()} for row in range(len(references))
    ]
    gaps = [max(one.values()) - min(one.values()) for one in by_row]
    order = sorted(range(len(references)), key=lambda row: (-gaps[row], row))
    return [(row, by_row[row]) for row in order[:count] if gaps[row] > 0]
