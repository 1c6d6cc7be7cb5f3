"""
The ledger: what was sent, and what came back.

It knows neither Airflow nor HTTP. The rooms:

========================  =====================================================================
``states``                the states of messages, requests and recipients, and the rules between them (pure)
``keys``                  idempotency keys, and which generation of a task is at work (pure)
``ids``                   ids in the order of planning, which tell what is too old for a callback (pure)
``matching``              which recipient a callback belongs to (pure)
``folding``               what a recipient's calls amount to (pure)
``outcome``               what a wait is told, and when it is over (pure)
``counts``                how far messages are, in numbers, and what a wait sees in them (pure)
``wanted``                which events a subscription wants (pure)
``schema``, ``columns``   the tables; ``metadata`` and all that ends on ``_table`` or ``_tables`` are parts of it
``database``              write transactions, the ledger's clock, locks
``engines``               which URLs can be a ledger, and the connections to it
``errors``                what can go wrong
``driver``                statements that go to the driver as they are; ``bulk``: many rows in one
``pipeline``              several statements in one message to PostgreSQL; ``list_parameters``, ``arrays``: lists bound
``kept_connection``       a connection that is kept for the next write
``outages``               what an error of the database means
``migrate``               the schema's versions; ``making``: whether they could be made here at all
``staging``               the numbers that a send is given, before the ledger knows of them
``planning``              recording a send, all of its parts before the first request
``replanning``            what a resumed send keeps, and what it plans anew
``parts``                 the rows of a plan
``sends``                 plans, and parts as they stand
``claims``                claiming a part for one request
``siblings``              what other instances of a mapped task have rung
``standing``              a message's locks, and the state that its requests make of it
``recording``             what came of a request
``callbacks``             storing callbacks, and matching them
``arriving``              what a group of them is stored beside; ``entries``: its rows
``entry_queries``         what is asked for them: a number's messages of these days, and older ones that may matter
``verdicts``              matching some of them within one transaction
``rematching``            trying unmatched ones again, and the receivers' sweep
``dead_letters``          callbacks that settled nobody, or may have settled the wrong one
``book``                  the rows that matching looks at, and what it changed in them
``api_answers``           API answers at the callback URL
``repeats``               callbacks that come again
``unmatched``             which callbacks are tried again
``undoing``               taking back what a callback had shown
``outcomes``              reading outcomes and progress
``looks``                 looks of many waits at once
``notices``               who changes messages tells those who wait; ``listening``: hearing it
``event_queue``           queueing events: recipients that reach a state, for whoever has subscribed
``events``                subscriptions, and what is queued for them
``alerts``                alerts that are about the same and ring once; ``alert_pages``: them page by page
``ladders``               contacts that are rung one after the other; ``escalations``: those that alerts begin
``tasks``                 the generation of an Airflow task's sends
``receivers``             heartbeats of the webhook receivers, and what they turned away
``evidence``              whether silence proves that a message in doubt was not placed (pure)
``witnesses``             reading what the ledger holds about one
``resolving``             a person's word on an uncertain message
``listing``               messages as the command shows them
``browsing``              the same page by page, for the page; ``calls``: those of one; ``known_names``: to choose from
``dead_letter_pages``     callbacks that settled nobody, page by page
``statistics``            what calls came to over a span of time
``vitals``                what tells whether a ledger is well; ``trials``: callbacks that see whether they arrive
``retention``             what a purge may take, and what it leaves (pure)
``purging``               purging, batch by batch
``purgeable``             which sends it looks at
``erasing``               what it does to sends and messages
``leftovers``             what it takes that belongs to no send
``receipts``              what is left of a message that was purged
========================  =====================================================================
"""

from __future__ import annotations
