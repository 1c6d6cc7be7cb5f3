"""
``make soak``: senders, receivers and databases are killed for a while; then everything is counted.

Exit status 0 only if nobody was rung twice or left out, and the ledger holds what the simulator played, to the last
one.
"""
