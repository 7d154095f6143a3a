"""The command line: finds the command and catches what a user can mend.

Tables and translations go to standard output, progress and messages to standard error. Exit codes:
0 done, 2 a user's mistake (one line that says what to do), 1 a fault of ours, 130 interrupted.

Whatever needs torch is imported by the command that needs it, so that help answers at once.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence

from seq2seq.config import PRESETS
from seq2seq.errors import ConfigError, Seq2SeqError

COMMANDS = {
    "train": "train a translation model",
    "average": "the mean of a run's last weights as a run of its own",
    "diversify": "a corpus of a run's training text and what runs make of it",
    "evaluate": "BLEU, chrF2 and TER of runs, with signatures and confidence intervals",
    "translate": "standard input to standard output, one line in, one line out",
    "inspect": "draw gates, states and attention of a sentence, and its alternatives",
    "compare": "train systems on the same data, set them side by side, write a report",
    "report": "draw a comparison's report again",
    "language-model": "train a model of the target language alone, and measure its perplexity",
    "generate": "write text with a language model",
    "memory": "how long each cell remembers: the long-time-lag tasks of 1997",
}

USAGE = f"""usage: seq2seq COMMAND [OPTIONS]

Recurrent translation, with one context vector and with attention.

commands
{chr(10).join(f"  {name:<14} {what}" for name, what in COMMANDS.items())}

examples
  seq2seq train                                          the embedded English-Korean phrasebook
  seq2seq train multi30k --system attention              Multi30k, English to German
  seq2seq train --corpus.name data/news --corpus.source-language en --corpus.target-language fr
  seq2seq evaluate RUN --split test
  echo "The man reads a book." | seq2seq translate RUN
  seq2seq compare phrasebook --systems lstm attention

`seq2seq COMMAND --help` lists a command's options. Presets: {", ".join(PRESETS)}.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Translations are UTF-8 wherever they go, as the text is that they are made from.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass", newline="\n")
    try:
        code = _run(arguments)
        sys.stdout.flush()  # what cannot be written shall not fail later, without a line
        return code
    except Seq2SeqError as error:
        print(f"seq2seq: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("seq2seq: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone (`| head`): nothing is wrong, and nothing more can be written.
        _drop_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        # Files that are written are looked after where they are: this is standard output.
        print("seq2seq: the disk is full; the output is not whole", file=sys.stderr)
        _drop_output()
        return 2


def _drop_output() -> None:
    """Send what is still in the buffer of standard output nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    command, rest = arguments[0], arguments[1:]
    if command == "--version":
        from importlib.metadata import version

        print(f"seq2seq {version('seq2seq')}")
        return 0
    if command not in COMMANDS:
        raise ConfigError(f"There is no command {command!r}; there are {', '.join(COMMANDS)}.")
    # Each command is a module of its name with `run`; none is loaded but the one asked for.
    module = importlib.import_module(f"seq2seq.commands.{command.replace('-', '_')}")
    return int(module.run(rest))
