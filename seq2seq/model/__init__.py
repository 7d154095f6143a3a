"""Cells, encoder, attention, decoders: the models of the ladder, from their equations."""
