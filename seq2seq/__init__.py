"""Recurrent translation: train, evaluate and compare decoders with and without attention."""
