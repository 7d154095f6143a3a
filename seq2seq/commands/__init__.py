"""The commands, one file each: what can be asked for, and how it is done and shown."""
