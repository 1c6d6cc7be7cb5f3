"""
What ``ninebits check`` looks at, a module for each subject.

Each has the kinds of findings that it can make, a function that looks (and returns what it saw, as a dataclass), and a
pure one that judges what was seen. :mod:`.catalogue` has all kinds, :mod:`.running` runs them all.

================  ======================================================
``findings``      what a finding is
``catalogue``     all kinds of them
``running``       all checks, in their order
``options``       the ``[ninebits]`` options
``ledger``        whether it can be reached, and be written
``connection``    the Airflow connection, and 9bits behind it
``receivers``     whether one is up, and what they turn away
``callback_url``  a test callback through the public URL
``callbacks``     what became of the newest, and what waits for a person
``times``         the zone of 9bits' times
``triggerer``     the triggerers, in which deferred tasks wait
``escalation``    whether somebody rings on for alerts
================  ======================================================
"""
