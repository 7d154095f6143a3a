"""A report as one HTML file that needs no other: style, charts and attention maps lie in it.

Charts are SVG in the page itself, so that they take its colours, light or dark; attention maps are
PNG on white. Nothing is fetched and nothing is run.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path

from seq2seq.errors import CheckpointError
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
from seq2seq.report.font import FAMILY, font_face
from seq2seq.report.plots import INK, RULE

MAP_SCALE = 0.6  # of 150 dots an inch to the page's 96, a little smaller than in print
MAP_LEAST = 0.75  # of that scale: a wide map shrinks so far to fit the page, and then scrolls

STYLE = f"""
:root {{ color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #59636e;
  --rule: #d0d4d9; --band: #f4f6f8; }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: #15181c; --ink: #e4e7eb; --soft: #9aa4af;
  --rule: #3a4149; --band: #1e2329; }} }}
body {{ background: var(--paper); color: var(--ink); max-width: 62rem; margin: 2rem auto;
  padding: 0 1.25rem; font: 1rem/1.55 "{FAMILY}", system-ui, "Segoe UI", Roboto,
  "Helvetica Neue", sans-serif; }}
h1 {{ font-size: 1.7rem; line-height: 1.25; }}
h2 {{ font-size: 1.25rem; margin-top: 2.6rem; border-top: 1px solid var(--rule);
  padding-top: 1.2rem; }}
.scroll {{ overflow-x: auto; margin: 1rem 0; }}
table {{ border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.28rem 0.8rem 0.28rem 0; text-align: left; vertical-align: top; }}
th {{ color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--rule); }}
tbody tr:nth-child(even) {{ background: var(--band); }}
td.number, th.number {{ text-align: right; white-space: nowrap; }}
.sentence th {{ border: 0; font-weight: 400; white-space: nowrap; }}
.sentence caption {{ text-align: left; color: var(--soft); font-size: 0.85rem; }}
figure {{ margin: 1.4rem 0; }}
figure svg {{ width: 100%; height: auto; }}
figure img {{ background: #ffffff; border-radius: 6px; }}
figcaption, li {{ overflow-wrap: anywhere; }}
figcaption {{ color: var(--soft); font-size: 0.88rem; }}
"""


def page(report: Report, folder: Path) -> str:
    """The whole report as one file; its figures are read from `folder`.

    Raises:
        CheckpointError: a figure is missing.
    """
    parts = [_block(block, report, folder) for block in report.opening]
    for section in report.sections:
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [_block(block, report, folder) for block in section.blocks]
    title = html.escape(report.title)
    body = f"<h1>{title}</h1>\n" + "\n".join(parts)
    style = font_face(body) + STYLE
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"{body}\n</body>\n</html>\n"
    )


def _block(block: Block, report: Report, folder: Path) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{html.escape(text)}</p>"
        case Listing(items, language):
            mark = f' lang="{html.escape(language)}"' if language else ""
            return f"<ul{mark}>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"
        case Table():
            return _table(block)
        case Figure():
            return _figure(block, folder)
        case Translations():
            return _translations(block, report)


def _table(table: Table) -> str:
    kinds = [' class="number"' if n and is_number(table, n) else "" for n in range(table.width)]
    return (
        f'<div class="scroll"><table><thead>{_row("th", table.headings, kinds)}</thead><tbody>'
        + "".join(_row("td", row, kinds) for row in table.rows)
        + "</tbody></table></div>"
    )


def _row(tag: str, cells: Sequence[str], kinds: Sequence[str]) -> str:
    pairs = zip(cells, kinds, strict=True)
    return "<tr>" + "".join(f"<{tag}{k}>{html.escape(c)}</{tag}>" for c, k in pairs) + "</tr>"


def _translations(block: Translations, report: Report) -> str:
    rows = [
        ("source", block.source, report.source_language),
        ("reference", block.reference, report.target_language),
        *((name, text, report.target_language) for name, text in block.systems),
    ]
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td lang="{html.escape(language)}">{html.escape(text)}</td></tr>'
        for name, text, language in rows
    )
    caption = html.escape(block.title)
    table = f'<table class="sentence"><caption>{caption}</caption>{body}</table>'
    return f'<div class="scroll">{table}</div>'


def _figure(figure: Figure, folder: Path) -> str:
    caption = html.escape(figure.caption)
    path = folder / f"{figure.name}{'.png' if figure.is_map else '.svg'}"
    try:
        content = path.read_bytes()
    except OSError:
        raise CheckpointError(f"{path} is missing; draw the report again.") from None
    if figure.is_map:
        data = base64.b64encode(content).decode("ascii")
        # A PNG says its width in bytes 16 to 20.
        width = round(MAP_SCALE * int.from_bytes(content[16:20], "big"))
        widths = f"width: 100%; max-width: {width}px; min-width: {round(MAP_LEAST * width)}px"
        image = f'<img alt="{caption}" style="{widths}" src="data:image/png;base64,{data}">'
        picture = f'<div class="scroll">{image}</div>'
    else:
        picture = _inline_svg(content.decode("utf-8"), figure.name, caption)
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _inline_svg(text: str, name: str, title: str) -> str:
    """An SVG file as part of a page: in the page's colours, its ids its own."""
    text = text[text.index("<svg") :].replace(INK, "currentColor").replace(RULE, "var(--rule)")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    points = float(re.search(r'width="([\d.]+)pt"', text)[1])  # type: ignore[index]
    widest = f'style="max-width: {points / 72:.2f}in"'
    return text.replace("<svg", f'<svg role="img" aria-label="{title}" {widest}', 1)
