"""What a report consists of, whatever it is written in: sections of paragraphs, tables, figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True)
class Listing:
    """Short sentences, one below the other."""

    items: Sequence[str]
    language: str = ""  # the code of theirs, if it is not the report's


@dataclass(frozen=True)
class Table:
    """Numbers: the first column names, the others measure."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.headings)


@dataclass(frozen=True)
class Figure:
    """A picture, drawn as `name.png` and `name.svg`."""

    name: str
    caption: str
    is_map: bool = False  # an attention map, which keeps its white ground


@dataclass(frozen=True)
class Translations:
    """One sentence, its reference and what each system makes of it."""

    title: str
    source: str
    reference: str
    systems: Sequence[tuple[str, str]]  # name with its score, if any; translation


Block = Paragraph | Listing | Table | Figure | Translations


@dataclass(frozen=True)
class Section:
    """A question and its answer."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """The whole."""

    title: str
    source_language: str
    target_language: str
    opening: Sequence[Block]
    sections: Sequence[Section]


def is_number(table: Table, column: int) -> bool:
    """Whether all cells of a column begin like a number, so that they align at the right."""
    return all(row[column][:1] in set("0123456789+−–") for row in table.rows)
