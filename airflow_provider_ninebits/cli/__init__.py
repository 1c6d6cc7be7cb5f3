"""
The command line: ``ninebits``.

===============  ======================================================================================
``main``         one call of the command, from its arguments to its exit status
``tree``         all commands, as one tree of parsers; ``definition``: what ``airflow`` is told of them
``send``         ringing; ``outcome``: what became of it
``messages``     what was sent; ``callbacks``: what settled nobody; ``alerts``: what was held back
``purge``        taking what is old; ``db``: the schema; ``check``: what is wrong
``servers``      ``ninebits receiver`` and ``ninebits simulator``
``connections``  connections, for a process that is no task
``output``       what is printed; ``progress``: how far long work is
``statuses``     the exit statuses, and which of them an error has
===============  ======================================================================================
"""

from __future__ import annotations
