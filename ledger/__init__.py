"""Double-entry rules: accounts, transfers, journal entries, holds, fees. Pure."""
