"""A font that has Hangul: for plots as a file, for pages cut down to what a page says.

The package `koreanize-matplotlib` carries NanumGothic (Open Font License); only its font file is
used, and `fontTools`, which comes with matplotlib, cuts it down.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import re
from pathlib import Path

FAMILY = "seq2seq Hangul"
RANGE = "U+1100-11FF, U+3000-303F, U+3130-318F, U+AC00-D7A3"
_HANGUL = re.compile(r"[\u1100-\u11ff\u3000-\u303f\u3130-\u318f\uac00-\ud7a3]")


def hangul_font() -> Path | None:
    """The font's file, if it is installed."""
    package = importlib.util.find_spec("koreanize_matplotlib")
    if package and package.origin:
        font = Path(package.origin).parent / "fonts" / "NanumGothic.ttf"
        if font.is_file():
            return font
    return None


def font_face(text: str) -> str:
    """A CSS rule that holds the Hangul of this text as a font; empty if there is nothing to hold.

    About 150 bytes a syllable, so that a page shows Korean on machines that have no font for it.
    """
    used = "".join(sorted(set(_HANGUL.findall(text))))
    path = hangul_font()
    if not used or path is None:
        return ""
    from fontTools import subset  # type: ignore[import-untyped]

    options = subset.Options()
    options.flavor, options.hinting, options.layout_features = "woff", False, []
    options.drop_tables += ["TSI0", "TSI1", "TSI2", "TSI3", "TSI5"]  # notes of the font's makers
    font = subset.load_font(str(path), options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=used)
    cutter.subset(font)
    file = io.BytesIO()
    subset.save_font(font, file, options)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    source = f"url(data:font/woff;base64,{data}) format('woff')"
    return (
        f'@font-face {{ font-family: "{FAMILY}"; font-display: block; unicode-range: {RANGE};'
        f" src: {source}; }}\n"
    )
