"""What benchmarks are made of: ledgers, servers, senders of callbacks, and tables."""
