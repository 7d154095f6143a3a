"""What a corpus name stands for, and every sentence said when it stands for nothing."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from seq2seq.config import CorpusSettings
from seq2seq.errors import CorpusError
from seq2seq.text import hub
from seq2seq.text.readers import RawPair
from seq2seq.text.sources import Source, file_spelling, find_source, split_name

Asked = Callable[..., Source]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with no way to the hub."""

    def no_hub(*_: object) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hub, "fetch_dataset", no_hub)
    return tmp_path


def write(path: str, content: str) -> None:
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode()
    place.write_bytes(gzip.compress(data) if place.suffix == ".gz" else data)


def find(name: str, *, subset: str | None = None, messages: list[str] | None = None) -> Source:
    settings = CorpusSettings(name=name, subset=subset, source_language="en", target_language="de")
    return find_source(settings, ([] if messages is None else messages).append)


def pairs(name: str, **options: str) -> dict[str, list[RawPair]]:
    source = find(name, **options)  # type: ignore[arg-type]
    return {split: list(read()) for split, read in source.splits.items()}


def error_of(name: str) -> str:
    with pytest.raises(CorpusError) as caught:
        pairs(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("train", "train"),
        ("Train", "train"),
        ("val", "validation"),
        ("valid", "validation"),
        ("dev", "validation"),
        ("validation", "validation"),
        ("test", "test"),
        ("long", "long"),
        ("Test_2017", "Test_2017"),
    ],
)
def test_splits_have_one_name_each(own: str, name: str) -> None:
    assert split_name(own) == name


# One file, two parallel files


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"en": "one", "de": "eins"}\n'),
        ("data/a.csv.gz", "de,en\neins,one\n"),
        ("./a.tsv", "one\teins\t#1\n"),
        ("a,b.csv", "en,de\none,eins\n"),  # a comma in the name of a file that is there
    ],
)
def test_one_file(home: Path, name: str, content: str) -> None:
    write(name, content)
    assert pairs(name) == {"train": [("one", "eins")]}


def test_the_home_folder_is_expanded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    write("a.tsv", "one\teins\n")
    assert pairs("~/a.tsv") == {"train": [("one", "eins")]}


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("data/news", ("data/news.en", "data/news.de")),
        ("news", ("news.en.gz", "news.de")),
        ("v1.0", ("v1.0.en", "v1.0.de")),
        ("a.txt,b.txt", ("a.txt", "b.txt")),
        ("a.txt.gz, ./b.txt", ("a.txt.gz", "b.txt")),
    ],
)
def test_two_parallel_files(home: Path, name: str, files: tuple[str, str]) -> None:
    write(files[0], "one\n")
    write(files[1], "eins\n")
    assert pairs(name) == {"train": [("one", "eins")]}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("news.de,news.en", []),  # endings that are the languages name the side, not the order
        ("news.en,news.de", []),
        ("x.en,y.txt", ["x.en is read as en and y.txt as de"]),
    ],
)
def test_which_of_two_named_files_is_the_source(home: Path, name: str, said: list[str]) -> None:
    for english, german in (("news.en", "news.de"), ("x.en", "y.txt")):
        write(english, "one\n")
        write(german, "eins\n")
    messages: list[str] = []
    source = find(name, messages=messages)
    assert list(source.splits["train"]()) == [("one", "eins")]
    assert messages == said


def test_a_prefix_goes_before_a_folder_and_a_slash_names_the_folder(home: Path) -> None:
    write("news.en", "prefix\n")
    write("news.de", "Vorsilbe\n")
    write("news/train.tsv", "folder\tOrdner\n")
    assert pairs("news") == {"train": [("prefix", "Vorsilbe")]}
    assert pairs("news/") == {"train": [("folder", "Ordner")]}


def test_a_plain_file_goes_before_a_packed_one(home: Path) -> None:
    for name, content in {"news.en": "plain\n", "news.en.gz": "packed\n", "news.de": "x\n"}.items():
        write(name, content)
        write(f"folder/{name.replace('news', 'train')}", content)
    assert pairs("news") == {"train": [("plain", "x")]}
    assert pairs("folder") == {"train": [("plain", "x")]}


@pytest.mark.parametrize(
    "name",
    [
        "./news",
        "/nowhere/at/all",
        "~/nowhere/at/all",
        "a.jsonl",
        "a.txt.gz",
        "data/x",
        "a b",
        "a/b/c",
    ],
)
def test_a_path_to_nothing_is_no_hub_dataset(home: Path, name: str) -> None:
    (home / "data").mkdir()
    assert error_of(name) == (
        f"There is no file or folder {name}, nor are there two files {name}.en and {name}.de."
    )


def test_one_of_two_parallel_files_is_missing(home: Path) -> None:
    write("news.en.gz", "one\n")
    assert error_of("news") == "There is news.en.gz, but no news.de to go with it."
    assert error_of("news.en.gz,news.de") == "There is no file news.de."
    assert error_of("a.txt,b.txt") == "There is no file a.txt and no file b.txt."
    assert error_of("news.en.gz,news.en.gz,news.en.gz").endswith(
        "names 3 files; parallel text is two."
    )


def test_a_file_of_no_known_kind(home: Path) -> None:
    write("news.xlsx", "")
    assert error_of("news.xlsx") == (
        "news.xlsx is none of the files that hold two languages: .jsonl, .json, .csv, .tsv, .txt, "
        ".parquet (text also with .gz). Two parallel text files are named with a comma: "
        "a.txt,b.txt."
    )


def test_names_that_no_file_system_allows(home: Path) -> None:
    long_name = "./" + "x" * 300
    assert error_of(long_name) == f"{long_name} cannot be read: File name too long."
    assert error_of("~nobody-of-this-name/x").startswith("~nobody-of-this-name/x cannot be read")


# Folders


def test_a_folder_of_splits(home: Path) -> None:
    write("c/train.jsonl", '{"en": "one", "de": "eins"}\n')
    write("c/val.csv.gz", "en,de\ntwo,zwei\n")
    write("c/test.tsv", "three\tdrei\n")
    write("c/long.en", "four\n")
    write("c/long.de.gz", "vier\n")
    write("c/README.md", "about\n")
    write("c/dataset_infos.json", "{}\n")
    write("c/notes.txt", "no table\n")
    assert pairs("c") == {
        "train": [("one", "eins")],
        "validation": [("two", "zwei")],
        "test": [("three", "drei")],
        "long": [("four", "vier")],
    }


def test_a_copy_of_a_hub_dataset_in_shards(home: Path) -> None:
    write("copy/README.md", "about\n")
    write("copy/data/train-00000-of-00002.tsv", "one\teins\n")
    write("copy/data/train-00001-of-00002.tsv", "two\tzwei\n")
    write("copy/de-en/train.tsv", "three\tdrei\n")
    assert pairs("copy") == {"train": [("one", "eins"), ("two", "zwei")]}
    assert pairs("copy", subset="de-en") == {"train": [("three", "drei")]}


def test_a_copy_with_shards_missing_or_of_two_kinds(home: Path) -> None:
    write("c/train-00000-of-00003.tsv", "one\teins\n")
    write("c/train-00002-of-00003.tsv", "two\tzwei\n")
    assert error_of("c") == ("c has 2 of the 3 files train-*-of-00003; number 00001 is missing.")
    write("c/train-00001-of-00003.tsv", "two\tzwei\n")
    write("c/train-00003-of-00003.tsv", "two\tzwei\n")
    assert error_of("c") == "c has 4 of the 3 files train-*-of-00003, which are too many."
    write("d/train-00000-of-00001.tsv", "one\teins\n")
    write("d/train-00000-of-00002.tsv", "one\teins\n")
    write("d/train-00001-of-00002.tsv", "two\tzwei\n")
    assert error_of("d") == (
        "d has the split train 2 times: train-*-of-00001.tsv, train-*-of-00002.tsv. "
        "Keep one of them."
    )


def test_what_lies_beside_the_splits(home: Path) -> None:
    write("c/train.en", "one\n")
    write("c/train.de", "eins\n")
    write("c/._train.en", "\0\1")  # as macOS leaves them on other people's disks
    write("c/README.TXT", "about\n")
    assert pairs("c") == {"train": [("one", "eins")]}
    write("c/vocab.en", "a\nb\n")
    write("c/vocab.de", "a\n")
    assert error_of("c").endswith(
        "It was read as a split named vocab; if it is none, move it elsewhere."
    )


@pytest.mark.parametrize("ending", ["lc.tok.en", "translation/en"])
def test_endings_with_what_a_file_name_cannot_show(home: Path, ending: str) -> None:
    write(f"c/train.{file_spelling(ending)}", "one\n")
    write("c/train.de", "eins\n")
    settings = CorpusSettings(name="c", source_language=ending, target_language="de")
    source = find_source(settings, print)
    assert list(source.splits["train"]()) == [("one", "eins")]


def test_a_split_that_stands_twice(home: Path) -> None:
    write("c/val.jsonl", "")
    write("c/dev.tsv", "")
    assert (
        error_of("c") == "c has the split validation 2 times: dev.tsv, val.jsonl. Keep one of them."
    )
    write("d/train.en", "")
    write("d/train.de", "")
    write("d/train.tsv", "")
    assert error_of("d") == (
        "d has the split train 2 times: train.en with train.de, train.tsv. Keep one of them."
    )


def test_a_folder_where_a_partner_is_missing(home: Path) -> None:
    write("c/train.en", "one\n")
    write("c/train.fr", "un\n")
    assert error_of("c") == "There is c/train.en, but no train.de to go with it."
    write("d/train.tsv", "one\teins\n")
    write("d/extra.de", "zwei\n")
    messages: list[str] = []
    assert list(find("d", messages=messages).splits) == ["train"]
    assert messages == ["There is d/extra.de, but no extra.en to go with it: it is left out."]


def test_a_folder_without_splits(home: Path) -> None:
    (home / "c").mkdir()
    beginning = (
        "c has no file named by its split, such as train.jsonl, train.tsv or train.en with train.de"
    )
    assert error_of("c") == f"{beginning}; it has no files."
    for letter in "abcdefghi":
        write(f"c/{letter}.md", "")
    listed = "a.md, b.md, c.md, d.md, e.md, f.md, g.md, h.md, ..."
    assert error_of("c") == f"{beginning}; it has {listed}."


# What names the content


def test_the_identity_is_of_the_content_wherever_it_lies(home: Path) -> None:
    for folder in ("a", "b"):
        write(f"{folder}/train.tsv", "one\teins\n")
        write(f"{folder}/test.tsv", "two\tzwei\n")
    assert find("a").identity == find("b").identity
    write("b/test.tsv", "two\tZwei\n")  # of the same size
    assert find("a").identity != find("b").identity
    write("b/test.tsv", "two\tzwei\n")
    Path("b/test.tsv").rename("b/val.tsv")
    assert find("a").identity != find("b").identity


def test_the_identity_tells_the_readers_apart(home: Path) -> None:
    for name in ("a.tsv", "a.csv"):
        write(name, "en,de\tx\n")
    assert find("a.tsv").identity != find("a.csv").identity


# The phrasebook


@pytest.mark.parametrize(
    ("languages", "pair"),
    [(("en", "ko"), ("Hello.", "안녕.")), (("ko", "en"), ("안녕.", "Hello."))],
)
def test_the_phrasebook_in_either_direction(
    monkeypatch: pytest.MonkeyPatch, languages: tuple[str, str], pair: RawPair
) -> None:
    def book(seed: int) -> dict[str, list[tuple[str, str]]]:
        return {"train": [("Hello.", "안녕.")], "long": [(f"Seed {seed}.", "씨앗.")]}

    monkeypatch.setattr("seq2seq.text.phrasebook.phrasebook", book, raising=False)
    (source_language, target_language) = languages
    settings = CorpusSettings(
        source_language=source_language, target_language=target_language, split_seed=3
    )
    source = find_source(settings, [].append)
    assert list(source.splits["train"]()) == [pair]
    assert "Seed 3." in next(source.splits["long"]())
    monkeypatch.setattr("seq2seq.text.phrasebook.phrasebook", lambda seed: {"train": []})
    assert find_source(settings, [].append).identity != source.identity


def test_the_phrasebook_has_two_languages_only() -> None:
    assert error_of("phrasebook") == (
        "phrasebook has en and ko; not en to de. Choose from what it has with "
        "--corpus.source-language and --corpus.target-language."
    )
