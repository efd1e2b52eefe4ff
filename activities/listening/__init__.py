"""Following chains block by block, and telling the rest of the exchange what they pay to us."""
