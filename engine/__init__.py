"""The order book: commands in, events out, deterministic. Pure."""
