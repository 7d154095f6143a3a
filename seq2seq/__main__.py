"""`python -m seq2seq COMMAND` is `seq2seq COMMAND`."""

import sys

from seq2seq.cli import main

if __name__ == "__main__":
    sys.exit(main())
