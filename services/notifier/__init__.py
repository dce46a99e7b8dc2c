"""The notifier: tells subscribers, by signed webhooks, what was raised.

`fan_out` turns each alert into one durable delivery a subscription, keyed by the `webhook-id`, so that an alert which
comes again adds nothing. `dispatch` sends: it leases subscriptions, fills one lane for each, and lets `deliver` make
single attempts through the one door. `record` commits finished attempts in groups, and only then `tell` publishes them.

The parts: `subscribe` (who wants what), `seal` (secrets at rest), `sign` (Standard Webhooks), `payload` and `trim` (the
CloudEvents body), `retry` (what follows from an answer), `lanes` (fairness in memory), `breaker` (who is not asked for
a while), `warn` (who fails for days), `digest` (what is told in lines of one message), `exchange` (what is kept of an
attempt), `history` and `resend` (looking back, sending again), `receiver` and `paste_receiver` (for the other side),
`commands` (the command line).

Left out on purpose: exactly-once (a subscriber may see a repeat, always under the same `webhook-id`), a queue beside
SQL (its loss would lose alerts), and following redirects (a signed message goes where the subscriber said, or nowhere).
"""
