"""When a run came by each stage, from what Airflow itself writes and from what its tasks note."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, text

_NOTE_STATES = """
CREATE TABLE bench_states (run_id text, task_id text, state text, at timestamptz);
CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.state IS DISTINCT FROM OLD.state THEN
    INSERT INTO bench_states VALUES (NEW.run_id, NEW.task_id, NEW.state, clock_timestamp());
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER bench_note AFTER INSERT OR UPDATE ON task_instance FOR EACH ROW EXECUTE FUNCTION bench_note();
"""


class Stages:
    """
    Airflow's tables, its logs, and the file that the tasks write into.

    :param airflow_url: the database of Airflow's own tables, migrated.
    """

    def __init__(self, airflow_url: str, logs: Path, notes: Path) -> None:
        self._engine = create_engine(airflow_url, isolation_level="AUTOCOMMIT")
        self._logs = logs
        self._notes = notes
        notes.touch()
        with self._engine.connect() as connection:
            connection.exec_driver_sql(_NOTE_STATES)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def states(self, run_id: str, task_id: str) -> list[tuple[str, float]]:
        """Return the states that a task has been in, each with the time since when, in epoch seconds."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                text("SELECT state, at FROM bench_states WHERE run_id = :run AND task_id = :task ORDER BY at"),
                {"run": run_id, "task": task_id},
            )
            return [(row.state, row.at.timestamp()) for row in rows]

    def moments(self, run_id: str) -> dict[str, float]:
        """Return when a run that has ended came by each stage from the callback on, in epoch seconds."""
        found = self._noted(run_id) | self._fired(run_id)
        for task_id in ("wait", "go_on"):
            # Of those with the same name the last: a rescheduled sensor has been there before.
            found |= {f"{task_id} {state}": at for state, at in self.states(run_id, task_id)}
        return found

    def _noted(self, run_id: str) -> dict[str, float]:
        lines = (line.split(" ", 1) for line in self._notes.read_text().splitlines())
        noted = (rest.rsplit(" ", 1) for run, rest in lines if run == run_id)
        return {what: float(at) for what, at in noted}

    def _fired(self, run_id: str) -> dict[str, float]:
        for file in self._logs.glob(f"dag_id=*/run_id={run_id}/task_id=wait/*.trigger.*.log"):
            for line in file.read_text().splitlines():
                entry = json.loads(line)
                if entry.get("event") == "Trigger fired event":
                    return {"fired": datetime.fromisoformat(entry["timestamp"]).timestamp()}
        return {}
