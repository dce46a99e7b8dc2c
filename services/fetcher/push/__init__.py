"""WebSub: publishers push what is new through a hub, and polling becomes a safety net.

    offer.py       hub and topic, from Link headers or from the feed
    store.py       reading and writing it
    subscribe.py   asks, renews, leaves in time; says how far polling may slow down
    ask.py         one request to a hub
    verify.py      the hub's question whether we meant it
    receive.py     what the hub brings: its signature, and the way to the frontier
    port.py        the public port, which serves the callback and nothing else

Source: WebSub, W3C Recommendation of 23 January 2018. Leases are real time. Left out on purpose: being a hub, and
subscriptions without a secret.
"""
