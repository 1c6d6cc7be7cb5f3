"""
The page "Voice calls" in Airflow's UI: a FastAPI app that only reads.

================  ==============================================================
``app``           the routes, and what each answer has in its headers
``access``        who reads, by Airflow's auth manager
``desk``          the threads that do what blocks, and the ledger that they read
``filters``       what stands in a URL, and the URLs that the page links to
``views``         what each page shows; ``alerts``: that of alerts
``refreshing``    when a page loads itself again
``summaries``     what the page of pictures shows: calls counted and grouped
``pictures``      figures into SVG: pure
``shown``         how moments, numbers, amounts and bodies are written: pure
``templates``     the pages
``static``        their style, and the little script that they can do without
================  ==============================================================
"""
