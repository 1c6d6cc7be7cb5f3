"""
9bits' wire: messages and call objects in, calls out. It knows neither Airflow nor the ledger.

===============  ===============================================================
``numbers``      destinations: read, checked, compared, masked
``zones``        the time zones of a destination
``rendered``     lists that a template made into text
``messages``     what is sent
``answers``      what 9bits said to it (pure)
``defaults``     the base URL and the time-out of a connection that says nothing
``backoff``      how long to wait when rate limited (pure)
``transport``    connections that know whether a request was written
``client``       one request by the clock
``threads``      threads that are kept for a while
``failures``     why a request got no answer, for people
``probes``       what a look that rings nobody has shown, for people (pure)
``callbacks``    what comes to the callback URL
``call_fields``  the fields of a call (pure)
``masking``      strangers' text, fit for logs
``errors``       everything that can go wrong
===============  ===============================================================
"""

from __future__ import annotations
