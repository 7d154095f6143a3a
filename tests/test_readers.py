"""Every format, and every sentence a reader says when it cannot go on."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from seq2seq.errors import CorpusError
from seq2seq.text.readers import (
    Languages,
    RawPair,
    kind_of,
    read_file,
    read_lines,
    read_parallel,
)

EN_DE = Languages("en", "de")


def read(path: Path, content: str | bytes, messages: list[str] | None = None) -> list[RawPair]:
    """Write a file and read its pairs."""
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    kind = kind_of(path)
    assert kind is not None
    return list(read_file(path, kind, EN_DE, ([] if messages is None else messages).append))


def error_of(pairs: Iterator[object]) -> str:
    with pytest.raises(CorpusError) as caught:
        list(pairs)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jsonl", "jsonl"),
        ("a.JSON", "jsonl"),
        ("a.csv.gz", "csv"),
        ("a.tsv", "tsv"),
        ("a.txt.gz", "tsv"),
        ("a.parquet", "parquet"),
        ("a.parquet.gz", None),
        ("a.en", None),
        ("a", None),
        (".gz", None),
    ],
)
def test_the_kind_of_a_file_is_its_ending(name: str, kind: str | None) -> None:
    assert kind_of(Path(name)) == kind


# Lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\n", ["one"]),
        (b"one\n\ntwo", ["one", "", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"\xef\xbb\xbfone\ntwo\n", ["one", "two"]),
        (
            "a\u2028b\u2029c\x85d\x0be\x1cf\x0cg\rh\n".encode(),
            ["a\u2028b\u2029c\x85d\x0be\x1cf\x0cg\rh"],
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_line_ends_at_a_line_feed_alone(
    tmp_path: Path, content: bytes, lines: list[str], packed: bool
) -> None:
    path = tmp_path / ("text.en.gz" if packed else "text.en")
    path.write_bytes(gzip.compress(content) if packed else content)
    assert list(read_lines(path)) == lines


@pytest.mark.parametrize(
    ("content", "line", "byte"),
    [(b"\xff", 1, 1), (b"good\nab\xe9 c\n", 2, 3), (b"\xef\xbb\xbfab\xe9\n", 1, 6)],
)
def test_bytes_that_are_not_utf8(tmp_path: Path, content: bytes, line: int, byte: int) -> None:
    path = tmp_path / "text.en"
    path.write_bytes(content)
    assert error_of(read_lines(path)) == (
        f"{path}, line {line}, byte {byte}: not UTF-8. Save the file as UTF-8."
    )


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.en"
    assert error_of(read_lines(missing)) == f"{missing} cannot be read: No such file or directory."
    false_gzip = tmp_path / "false.en.gz"
    false_gzip.write_bytes(b"plain text")
    assert error_of(read_lines(false_gzip)).startswith(f"{false_gzip} is not whole gzip: ")
    cut_short = tmp_path / "short.en.gz"
    cut_short.write_bytes(gzip.compress(b"a line\n" * 1000)[:-12])
    assert error_of(read_lines(cut_short)).startswith(f"{cut_short} is not whole gzip: ")


# Parallel text


def parallel(folder: Path, source: str, target: str) -> tuple[Path, Path]:
    paths = (folder / "train.en", folder / "train.de")
    for path, content in zip(paths, (source, target), strict=True):
        path.write_text(content, encoding="utf-8")
    return paths


def test_parallel_text_keeps_empty_lines_in_step(tmp_path: Path) -> None:
    paths = parallel(tmp_path, "one\n\nthree\n", "eins\nzwei\n\n")
    assert list(read_parallel(*paths)) == [("one", "eins"), ("", "zwei"), ("three", "")]


def test_parallel_text_of_different_length(tmp_path: Path) -> None:
    source, target = parallel(tmp_path, "one\ntwo\n", "eins\nzwei\ndrei\n")
    rest = "Line n of train.de must translate line n of train.en."
    assert error_of(read_parallel(source, target)) == (
        f"{source} ends at line 2, but its partner goes on. {rest}"
    )
    source, target = parallel(tmp_path, "one\ntwo\n\n", "eins\nzwei\n")
    assert error_of(read_parallel(source, target)) == (
        f"{target} ends at line 2, but its partner goes on. {rest}"
    )


def test_parallel_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = tmp_path / "en" / "a.txt", tmp_path / "de" / "a.txt"
    for path, content in zip(paths, ("one\n", ""), strict=True):
        path.parent.mkdir()
        path.write_text(content)
    assert error_of(read_parallel(*paths)) == (
        f"{paths[1]} ends at line 0, but its partner goes on. "
        f"Line n of {paths[1]} must translate line n of {paths[0]}."
    )


# JSON lines


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.jsonl.gz"])
def test_json_lines(tmp_path: Path, name: str) -> None:
    content = (
        '\ufeff{"de": "eins", "en": "one", "id": 7}\r\n'
        '{"translation": {"en": "two\\nlines", "de": "zwei"}}\r\n'
        "\r\n"
        '{"en": null, "de": "drei"}\r\n'
        '{"de": 4}\r\n'
        '{"en": "a\u2028b", "de": "\\ud83d\\ude00"}'
    )
    assert read(tmp_path / name, content) == [
        ("one", "eins"),
        ("two\nlines", "zwei"),
        ("", ""),
        (None, "drei"),
        (None, 4),
        ("a\u2028b", "😀"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"en": "a", "de": "b"}\n{"en": "a"\n',
            ", line 2: not JSON (Expecting ',' delimiter). Each line must be one JSON object.",
        ),
        ("[" * 100_000, ", line 1: not JSON ("),
        (
            '["a", "b"]\n',
            ", line 1: JSON, but not an object. "
            "Each line must be one JSON object with a key for each language.",
        ),
        (
            '{"en": "a", "fr": "b"}\n',
            ", line 1, has en, fr; not de. Choose from what it has with "
            "--corpus.source-language and --corpus.target-language.",
        ),
        ('{"translation": {"cs": "a"}}\n', ", line 1, has cs; not en and de."),
        ("{}\n", ", line 1, has no columns; not en and de."),
    ],
)
def test_json_that_cannot_be_read(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(CorpusError, match="^" + re.escape(f"{path}{message}")):
        read(path, content)


# CSV and TSV


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv_with_a_header(tmp_path: Path, name: str) -> None:
    content = (
        "\ufeffid,de, en\r\n"
        '1,"eins, ""zwei""","one, ""two"""\r\n'
        '2,"über\r\ndrei","three\u2028lines"\r\n'
        "\r\n"
        '3,,inch 5"\r\n'
    )
    messages: list[str] = []
    assert read(tmp_path / name, content, messages) == [
        ('one, "two"', 'eins, "zwei"'),
        ("three\u2028lines", "über\ndrei"),
        ("", ""),
        ('inch 5"', ""),
    ]
    assert messages == []


def test_csv_without_a_header(tmp_path: Path) -> None:
    messages: list[str] = []
    assert read(tmp_path / "a.csv", "English,German\none,eins\n", messages) == [
        ("English", "German"),
        ("one", "eins"),
    ]
    assert messages == [
        f"{tmp_path / 'a.csv'} has no header with en and de: its first column is read as en, its "
        "second as de."
    ]


@pytest.mark.parametrize("name", ["deu.txt", "deu.tsv", "deu.tsv.gz"])
def test_a_tatoeba_export_has_an_attribution_after_the_pair(tmp_path: Path, name: str) -> None:
    content = (
        'Go.\tGeh.\tCC-BY 2.0 (France) #2877272 (CM)\n"Hi," he said.\t"Hallo", sagte er.\tCC-BY\n'
    )
    messages: list[str] = []
    assert read(tmp_path / name, content, messages) == [
        ("Go.", "Geh."),
        ('"Hi," he said.', '"Hallo", sagte er.'),  # a quotation mark in TSV is text
    ]
    assert len(messages) == 1


def test_tsv_with_a_header_and_an_open_quotation_mark(tmp_path: Path) -> None:
    content = 'de\tnote\ten\n"eins\t\tone\n\nzwei\tx\t\n'
    assert read(tmp_path / "a.tsv", content) == [("one", '"eins'), ("", ""), ("", "zwei")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "en,de\none,eins\nHello, world,Hallo Welt\n",
            ", line 3: 3 columns where the first row has 2. Every row must have as many, and no "
            "comma inside a sentence outside quotation marks.",
        ),
        (
            "a.tsv",
            "one\teins\ntwo\n",
            ", line 2: 1 column where the first row has 2. Every row must have as many, and no "
            "tab inside a sentence.",
        ),
        (
            "a.txt",
            "just a sentence\n",
            ", line 1 has 1 column; the two languages must be separated by a tab. "
            "(Two parallel text files are named with a comma: a.txt,b.txt.)",
        ),
        (
            "a.csv",
            'en,de\none,"eins\n" x,zwei\n',
            ", line 2: not CSV (',' expected after '\"'). A sentence with a comma or a quotation "
            'mark must stand in quotation marks, those inside it doubled ("").',
        ),
        ("a.csv", 'en,de\none,"eins\n', ", line 2: not CSV (unexpected end of data)."),
        ("a.csv", "en,fr\none,un\n", "'s header has en, fr; not de. Choose from"),
        ("a.csv", f"en,de\n{'x' * 140_000},y\n", ", line 2: not CSV (field larger than"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    with pytest.raises(CorpusError, match="^" + re.escape(f"{path}{message}")):
        read(path, content)


# Parquet


def parquet(path: Path, columns: dict[str, list[object]]) -> list[RawPair]:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return list(read_file(path, "parquet", EN_DE, [].append))


def test_parquet_with_flat_columns(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {"id": [1, 2], "de": ["eins", None], "en": ["one", "two"]}
    assert parquet(tmp_path / "a.parquet", columns) == [("one", "eins"), ("two", None)]


def test_parquet_with_a_nested_translation_and_many_batches(tmp_path: Path) -> None:
    rows: list[object] = [{"cs": "", "de": f"d{row}", "en": f"e{row}"} for row in range(10_000)]
    rows[3] = None
    pairs = parquet(tmp_path / "a.parquet", {"translation": rows})
    expected: list[RawPair] = [(f"e{row}", f"d{row}") for row in range(10_000)]
    expected[3] = (None, None)
    assert pairs == expected


def test_parquet_values_that_are_not_text_come_as_they_are(tmp_path: Path) -> None:
    assert parquet(tmp_path / "a.parquet", {"en": [1], "de": ["b"]}) == [(1, "b")]


def test_parquet_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with pytest.raises(CorpusError, match=re.escape(f"{path} has en, fr; not de. Choose from")):
        parquet(path, {"en": ["a"], "fr": ["b"]})
    with pytest.raises(CorpusError, match="column translation has cs, en; not de"):
        parquet(path, {"translation": [{"cs": "a", "en": "b"}]})
    path.write_bytes(b"not parquet at all")
    message = error_of(read_file(path, "parquet", EN_DE, [].append))
    assert message.startswith(f"{path} cannot be read as Parquet: ")


def test_parquet_text_that_is_not_utf8(tmp_path: Path) -> None:
    bad = pyarrow.array([b"caf\xe9"], pyarrow.binary()).view(pyarrow.string())
    table = pyarrow.table({"en": bad, "de": ["x"]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    message = error_of(read_file(tmp_path / "a.parquet", "parquet", EN_DE, [].append))
    assert "cannot be read as Parquet" in message


def test_a_translation_column_that_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="has translation; not en and de"):
        parquet(tmp_path / "a.parquet", {"translation": ["text"]})
