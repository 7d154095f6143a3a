"""A report as Markdown, its figures in files beside it."""

from __future__ import annotations

from collections.abc import Sequence

from seq2seq.report.content import (
    Block,
    Figure,
    Listing,
    Paragraph,
    Report,
    Table,
    Translations,
    is_number,
)


def markdown(report: Report) -> str:
    """The whole report, to be saved beside its figures."""
    parts = [f"# {_plain(report.title)}", *map(_block, report.opening)]
    for section in report.sections:
        parts += [f"## {_plain(section.title)}", *map(_block, section.blocks)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return _plain(text)
        case Listing(items, _):
            return "\n".join(f"- {_plain(item)}" for item in items)
        case Table():
            return _table(block)
        case Figure(name, caption):
            return f"![{_plain(caption)}]({name}.png)\n\n*{_plain(caption)}*"
        case Translations(title, source, reference, systems):
            rows = [("source", source), ("reference", reference), *systems]
            return _table(Table([title, ""], rows))


def _table(table: Table) -> str:
    marks = [":--", *("--:" if is_number(table, n) else ":--" for n in range(1, table.width))]
    return "\n".join(
        [
            _row([_plain(heading) for heading in table.headings]),
            _row(marks),
            *(_row([_plain(cell) for cell in row]) for row in table.rows),
        ]
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown takes as it is: its own signs escaped, all on one line."""
    for sign in "\\`*_<>|[]":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
