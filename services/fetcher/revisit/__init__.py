"""Edits: the page of an article is fetched again, at doubling distances, while its story is live.

    row.py         a page that may be fetched again, and its table
    plan.py        when, how often, and what follows from what was found
    visit.py       one conditional request for a page that was had before
    hear.py        hears of alerts and plans visits
    revisits.py    makes the visits that are due

A story is live for two days from its last alert. Times are story time. Left out on purpose: pages that the feed's text
stands for, and articles that no alert has named.
"""
