"""The extractor: pages to articles.

`extract` is the step. `workers` keeps the processes that read pages; the order of reading is written in `read` alone.
`body` finds the text or says what the page is instead, `metadata` weighs what is said about it, `language`, `entities`
and `quotes` who speaks in it. `versions` tells new texts from known ones. `commands` is the command line.

Left out on purpose: scripts are not run (a page that needs them is counted as such), no model is downloaded (one may be
plugged in), texts are not kept (topics have them), and nobody's paywall is walked around.
"""
