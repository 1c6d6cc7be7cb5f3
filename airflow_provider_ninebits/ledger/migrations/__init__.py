"""The ledger's migrations, run by Alembic. Files are named ``0001_0_1_0_what.py``: number, release, what it does."""
