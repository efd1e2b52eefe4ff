"""Official sanctions lists in the formats their publishers give out, and PEP lists as CSV."""
