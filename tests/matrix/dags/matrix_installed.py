"""What a task sees of the environment that it runs in; and warnings that the search of the logs has to find."""

from __future__ import annotations

import warnings

from airflow.sdk import DAG, task

warnings.warn("planted where a DAG file is read", DeprecationWarning, stacklevel=1)

with DAG("matrix_installed", schedule=None):

    @task
    def look() -> dict[str, str]:
        import airflow
        import sqlalchemy

        import airflow_provider_ninebits

        warnings.warn("planted in a task", DeprecationWarning, stacklevel=1)
        return {
            "airflow": airflow.__version__,
            "sqlalchemy": sqlalchemy.__version__,
            "package": airflow_provider_ninebits.__file__,
        }

    look()
