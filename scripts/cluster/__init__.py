"""
``make cluster-test``: Airflow on Celery, PostgreSQL and Redis, receivers behind nginx; one of each is killed meanwhile.

Exit status 0 only if the DAG run succeeded, nobody was rung twice or left out, and what each task returned and the
ledger holds is what the simulator played, to the last call.
"""
