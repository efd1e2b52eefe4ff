"""Engine, ledger and settlement in one process, told by one seed.

Real are the engine with its loop, the journal's format and files, recovery and standby, the
shipper's source and settlement lane, the order relay, the rules of settlement and the ledger's
rules of posting. Simulated are what surrounds them: disk, queue, lease, database, Temporal and
time; each does what the real one may do on a bad day.
"""
