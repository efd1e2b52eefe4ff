"""Trading clients, unmodified, against the dialect."""
