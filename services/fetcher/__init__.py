"""Watches the sources: polls feeds politely, finds entries not seen before, fetches their pages once, publishes them.

    app.py       the wiring; watch.py: the poll loop; alarm.py: how loops wait; board.py: metrics of sources
    sources.py   the sources file, checked; the last good version stays in force
    plan/        when each source is due: its own rhythm within one budget, hot stories, what servers and feeds wish
    poll/        one conditional request, one outcome: validators, redirects, audits, what an answer means, sitemaps of
                 an index, and how the source is (health.py)
    read/        bytes to a feed: parse.py and reading.py choose how; feeds, JSON Feed, sitemaps, listing pages
    entries/     which entries are new articles, which are told again, and whether they can still be news
    manners/     one request a domain at a time (pace.py), robots.txt, which of several fetchers asks a domain
                 (domains.py), what was asked of whom (tally.py)
    pages/       the pages of entries: frontier.py, fetch.py, and every try to its end (pages.py)
    land.py      publish, wait for the acknowledgement, only then write state; store.py, tables.py: what is kept
    push/        hubs push what is new (WebSub), on a port of its own
    revisit/     pages fetched again while their story is live
    desk/        `wirewatch sources …`

A crash at any point repeats work with the same ids: an entry is `pending` in SQL until its page was acknowledged.

Left out on purpose: reading pages (the extractor does), a queue server (the frontier is a table), and rewriting the
addresses of sources in their file.
"""
