"""The errors that a user can mend: one tree, caught in one place (`cli.py`).

Each message says what was found, what was expected and what to do about it, in one line.
"""


class Seq2SeqError(Exception):
    """A user's mistake or a fault outside the program: one line, exit code 2."""


class ConfigError(Seq2SeqError):
    """A setting is out of range, or settings contradict each other."""


class CorpusError(Seq2SeqError):
    """The text cannot be read, or does not hold what was asked of it."""


class TokenizerError(Seq2SeqError):
    """A tokenizer cannot be trained or loaded."""


class CheckpointError(Seq2SeqError):
    """A run's folder is missing, damaged, of another version, or cannot be written."""


class TrainingError(Seq2SeqError):
    """Training cannot go on: the loss is no longer a number."""
