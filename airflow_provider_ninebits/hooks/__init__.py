"""
The connection to 9bits, and everything that is sent over it.

================  =============================================================================================
``ninebits``      the hook
``connections``   an Airflow connection, read as a client
``form``          its form in Airflow 3.1
``arguments``     what tasks and connections are given, templates included, read as what it means
``recipients``    whom a send rings; ``contacts``: whom a ladder does
``plans``         checking a send as a whole, and recording it
``sending``       the way of a send: for each part claim, POST, record
``attempts``      what one call has to send; a request's lease, number and errors; ``telling``: their words
``recording``     what 9bits has answered goes into the ledger
``evidence``      waiting until a callback, or silence, tells whether a message was placed
``pacing``        how fast requests follow each other
``parallel``      several parts at once, each in a thread
``hours``         when the clock allows to ring (pure); ``given_hours``: the hours of a task and its connection
``opening``       which parts of a send may be rung now, and when the rest may; ``rounds``: bringing them through
``progress``      how far a long send is; ``measuring``: its counts and spans
``receipts``      what a send gives back
``waiting``       where a wait stands after a look (pure), and its ends
``asset_events``  what the event of a task's outlet tells
``outages``       an outage of the ledger, told as a task's error; ``patience``: how long it is borne
``log_lines``     log lines for people and machines (pure)
================  =============================================================================================
"""
