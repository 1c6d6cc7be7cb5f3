"""Where the waits of a benchmark note what is measured: environment variables with the names of files."""

FIRED = "NINEBITS_BENCH_FIRED"
"""The file to which each wait that is woken adds a line: its ``ref_id``, and when."""
STATEMENTS = "NINEBITS_BENCH_STATEMENTS"
"""The file that holds how many statements the ledger was asked until then."""
