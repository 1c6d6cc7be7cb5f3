"""
Triggers: waits that hold no worker.

=================  ===============================================================================================
``callback``       what a deferred wait rests on
``watcher``        the one of a process that asks the ledger for all waits; ``waits``: what they wait for (no I/O)
``events``         starts DAGs because calls were answered, or were not
``event_stream``   its events where Airflow 3.3 confirms them
``event_watcher``  the one of a process that reads events for all; ``subscribers``: who wants which (no I/O)
``opening``        what a send rests on until its calling hours open
``escalation``     finds the ladders that alerts have begun
``holding_back``   not firing before Airflow has heard of the deferral
=================  ===============================================================================================
"""
