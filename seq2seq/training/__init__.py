"""Loss, history and the training loop."""
