"""From any source of sentence pairs to batches of token numbers."""
