"""The public HTTP API of the notifier: subscriptions, and the alerts themselves to be pulled.

`port` puts the application together and is the one list of routes; `who` tells the caller by key; `shapes` are the
bodies, `problems` the refusals (RFC 9457). What a route does is written in the modules beside the API (`subscribe`,
`ping`, `pull`): the command line does the same by them.

Left out on purpose: sign-in of people (the console's), and TLS (whatever ends it for the public address).
"""
