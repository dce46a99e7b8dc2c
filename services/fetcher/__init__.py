"""Watches the sources: polls feeds politely, finds entries not seen before, fetches their pages once, publishes them.

    app.py        the wiring; watch.py: the poll loop; pages.py: the page loop; alarm.py: how they wait
    sources.py    the sources file, checked; the last good version stays in force
    schedule.py   when each source is due, and what pushes that back
    pace.py       one connection and a distance in time per registered domain
    poll.py       one conditional request, one outcome; reading.py: which kind of source is read how
    parse.py      bytes to a feed: charset.py, lift.py, mend.py (the document), read_feed.py, roles.py (its tree),
                  read_json.py, dates.py, texts.py, hints.py; feed.py: what comes of it
    read_sitemap.py, read_listing.py   sitemaps and web pages to a feed; children.py, walk_sitemap.py: sitemaps of an
                  index; candidates.py: where a site may have any of these
    discover.py   entries not seen before, and whether they can still be news
    robots.py     what a site asks robots to leave alone; robots_rules.py: how its file is read
    fetch.py      the page of an entry
    land.py       publish, wait for the acknowledgement, only then write state
    frontier.py   entries whose page is still to be fetched; store.py, tables.py: what is kept of all this

A crash at any point repeats work with the same ids: an entry is `pending` in SQL until its page was acknowledged.

Left out on purpose: reading pages (the extractor does), a queue server (the frontier is a table), several fetchers
sharing the sources (a second one repeats the same ids and does no harm), and rewriting the addresses of sources.
"""
