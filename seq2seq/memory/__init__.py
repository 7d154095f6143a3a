"""How long each cell remembers: the tasks of Hochreiter and Schmidhuber 1997, trained and drawn."""
