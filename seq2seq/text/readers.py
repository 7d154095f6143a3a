"""Reading sentence pairs from files: parallel text, JSON lines, CSV, TSV, Parquet.

Every reader streams: it holds a line or a batch of rows, never the file. Values come as they are,
strings or not; cleaning judges them later. A line ends at a line feed, with or without a carriage
return before it, and nowhere else: other line breaks of Unicode inside a sentence would cut it and
shift all later pairs.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, NamedTuple

from seq2seq.errors import CorpusError

RawPair = tuple[object, object]
Report = Callable[[str], None]
Kind = Literal["jsonl", "csv", "tsv", "parquet"]

KINDS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "tsv",
    ".parquet": "parquet",
}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ROWS_AT_ONCE = 4096  # of a Parquet file: a few megabytes


class Languages(NamedTuple):
    """The names of the two columns, keys or file endings asked for."""

    source: str
    target: str


def kind_of(path: Path) -> Kind | None:
    """How a file is read, by its ending; text may be packed by gzip. None is no known ending."""
    packed = path.suffix.lower() == ".gz"
    kind = KINDS.get((path.with_suffix("") if packed else path).suffix.lower())
    return None if packed and kind == "parquet" else kind


def read_file(path: Path, kind: Kind, languages: Languages, report: Report) -> Iterator[RawPair]:
    """The pairs of one file that holds both languages.

    Raises:
        CorpusError: the file cannot be read, is malformed or lacks a language.
    """
    match kind:
        case "jsonl":
            return read_json_lines(path, languages)
        case "csv":
            return _read_table(path, _csv_rows(path), languages, "comma", report)
        case "tsv":
            return _read_table(path, _tsv_rows(path), languages, "tab", report)
        case "parquet":
            return read_parquet(path, languages)


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 text file, without their ends and without a byte order mark.

    Raises:
        CorpusError: the file cannot be read, or a line is not UTF-8.
    """
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            text = line.removesuffix(b"\n").removesuffix(b"\r")
            if number == 1:
                text = text.removeprefix(BYTE_ORDER_MARK)
            try:
                decoded = text.decode()
            except UnicodeDecodeError as error:
                byte = error.start + 1 + (3 if line.startswith(BYTE_ORDER_MARK) else 0)
                raise CorpusError(
                    f"{path}, line {number}, byte {byte}: not UTF-8. Save the file as UTF-8."
                ) from None
            yield decoded


def read_parallel(source: Path, target: Path) -> Iterator[RawPair]:
    """The pairs of two text files of which line n of one translates line n of the other.

    Raises:
        CorpusError: a file cannot be read, or one ends before the other.
    """
    lines = zip_longest(read_lines(source), read_lines(target))
    for number, (source_line, target_line) in enumerate(lines):
        if source_line is None or target_line is None:
            shorter = source if source_line is None else target
            names = (source.name, target.name)
            if source.name == target.name:
                names = (str(source), str(target))
            raise CorpusError(
                f"{shorter} ends at line {number}, but its partner goes on. "
                f"Line n of {names[1]} must translate line n of {names[0]}."
            )
        yield source_line, target_line


def read_json_lines(path: Path, languages: Languages) -> Iterator[RawPair]:
    """The pairs of a file with a JSON object a line: {"en": ..., "de": ...}, or the same nested.

    Nested is {"translation": {"en": ..., "de": ...}}. An empty line is a pair of empty sides, which
    cleaning counts. The first object must have both languages; where a later one lacks a side, or
    has something other than a string there, that pair is "not text".

    Raises:
        CorpusError: a line is not a JSON object, or the first object lacks a language.
    """
    is_first = True
    for number, line in enumerate(read_lines(path), 1):
        if not line or line.isspace():
            yield "", ""
            continue
        record = _json_object(path, number, line)
        nested = record.get("translation")
        if isinstance(nested, dict):
            record = nested
        if is_first:
            is_first = False
            require_languages(f"{path}, line {number},", list(record), languages)
        yield record.get(languages.source), record.get(languages.target)


def _json_object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise CorpusError(
            f"{path}, line {number}: not JSON ({what}). Each line must be one JSON object."
        ) from None
    if not isinstance(record, dict):
        raise CorpusError(
            f"{path}, line {number}: JSON, but not an object. "
            "Each line must be one JSON object with a key for each language."
        )
    return record


def require_languages(where: str, names: Sequence[str], languages: Languages) -> None:
    """Say what there is where a language that was asked for is not.

    Raises:
        CorpusError: `names` lacks one of the languages.
    """
    missing = [name for name in languages if name not in names]
    if missing:
        raise CorpusError(
            f"{where} has {', '.join(names) or 'no columns'}; not {' and '.join(missing)}. Choose "
            "from what it has with --corpus.source-language and --corpus.target-language."
        )


# Tables of text: CSV and TSV


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line each begins at; a quoted sentence may hold line breaks."""
    # A bare carriage return would become a space in cleaning, and upsets the parser.
    lines = (line.replace("\r", " ") + "\n" for line in read_lines(path))
    rows = csv.reader(lines, strict=True)
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise CorpusError(
                f"{path}, line {number}: not CSV ({error}). A sentence with a comma or a quotation "
                'mark must stand in quotation marks, those inside it doubled ("").'
            ) from None
        if row is None:
            return
        yield number, row


def _tsv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows with their line numbers; TSV has no quoting, a quotation mark is text."""
    for number, line in enumerate(read_lines(path), 1):
        yield number, line.split("\t") if line else []


def _read_table(
    path: Path,
    rows: Iterator[tuple[int, list[str]]],
    languages: Languages,
    separator: str,
    report: Report,
) -> Iterator[RawPair]:
    """Pairs by the header where it names both languages, else by the first two columns.

    Every row must be as wide as the first: with a separator too many inside a sentence, the columns
    after it would be the wrong ones. An empty line is a pair of empty sides, which cleaning counts.
    """
    columns: tuple[int, int] | None = None
    width = 0
    for number, row in rows:
        if not row:
            yield "", ""
        elif columns is None:
            width = len(row)
            header = _header_columns(path, row, languages)
            columns = header or (0, 1)
            if width < 2:
                raise CorpusError(
                    f"{path}, line {number} has 1 column; the two languages must be separated by "
                    f"a {separator}. (Two parallel text files are named with a comma: a.txt,b.txt.)"
                )
            if header is None:
                report(
                    f"{path} has no header with {languages.source} and {languages.target}: its "
                    f"first column is read as {languages.source}, its second as {languages.target}."
                )
                yield row[0], row[1]
        elif len(row) != width:
            raise CorpusError(
                f"{path}, line {number}: {len(row)} column{'s' * (len(row) != 1)} where the first "
                f"row has {width}. "
                f"Every row must have as many, and no {separator} inside a sentence"
                f"{' outside quotation marks' if separator == 'comma' else ''}."
            )
        else:
            yield row[columns[0]], row[columns[1]]


def _header_columns(path: Path, row: list[str], languages: Languages) -> tuple[int, int] | None:
    names = [name.strip() for name in row]
    if not set(languages) & set(names):
        return None
    require_languages(f"{path}'s header", names, languages)
    return names.index(languages.source), names.index(languages.target)


# Tables of Arrow: Parquet here, hub datasets in `hub`


class ArrowColumns(NamedTuple):
    """Where the two languages stand in an Arrow schema."""

    nested: bool  # in the struct column `translation`, not in columns of their own
    languages: Languages

    @property
    def names(self) -> list[str]:
        """The columns to read, nested ones after a dot."""
        return [f"translation.{name}" if self.nested else name for name in self.languages]


def arrow_columns(where: str, schema: Any, languages: Languages) -> ArrowColumns:
    """Find the languages in an Arrow schema: columns of their own, or nested in `translation`.

    Raises:
        CorpusError: a language is missing; the message says what there is.
    """
    import pyarrow

    names = [str(name) for name in schema.names]
    if not set(languages) <= set(names) and "translation" in names:
        nested = schema.field("translation").type
        if pyarrow.types.is_struct(nested):
            fields = [nested.field(index).name for index in range(nested.num_fields)]
            require_languages(f"{where}'s column translation", fields, languages)
            return ArrowColumns(nested=True, languages=languages)
    require_languages(where, names, languages)
    return ArrowColumns(nested=False, languages=languages)


def arrow_pairs(table: Any, columns: ArrowColumns) -> Iterator[RawPair]:
    """The pairs of an Arrow table or record batch."""
    import pyarrow.compute

    def values(name: str) -> list[object]:
        if not columns.nested:
            return list(table.column(name).to_pylist())
        records = table.column("translation")
        index = records.type.get_field_index(name)
        return list(pyarrow.compute.struct_field(records, [index]).to_pylist())

    return zip(values(columns.languages.source), values(columns.languages.target), strict=True)


@contextmanager
def arrow_faults(what: str) -> Iterator[None]:
    """Faults of Arrow in reading become CorpusErrors that begin with `what`."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, UnicodeDecodeError, OSError) as error:
        raise CorpusError(f"{what}: {one_line(error)}.") from None


def read_parquet(path: Path, languages: Languages) -> Iterator[RawPair]:
    """The pairs of a Parquet file, a batch of rows at a time.

    Raises:
        CorpusError: the file is not Parquet, or lacks a language.
    """
    import pyarrow.parquet

    with (
        arrow_faults(f"{path} cannot be read as Parquet"),
        pyarrow.parquet.ParquetFile(path) as file,
    ):
        columns = arrow_columns(str(path), file.schema_arrow, languages)
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns.names):
            yield from arrow_pairs(batch, columns)


# Shared


@contextmanager
def _open(path: Path) -> Iterator[Iterable[bytes]]:
    """A file's bytes, unpacked where it is gzip; faults in reading become CorpusErrors."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorpusError(f"{path} is not whole gzip: {one_line(error)}.") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {one_line(error)}.") from None


def one_line(error: BaseException, length: int = 300) -> str:
    """An exception's text as part of a sentence: one line, without a full stop at its end."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return (" ".join(text.split())[:length] or type(error).__name__).rstrip(".")
