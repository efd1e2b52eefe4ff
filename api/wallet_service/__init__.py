"""The wallet service: deposit addresses, address checks, the hot wallets' state. It never signs."""
