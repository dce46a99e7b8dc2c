"""From the bytes of a page to its running text, or to the name of what the page is instead.

`charset` makes text of bytes; `choose` takes the running text from the extractors of `voters`, by `vote` where they
disagree, after what is known of a `site` beforehand; `clean` tidies it; `plain` is the cheap way for floods. `verdict`
names what has no text by its `signs`. Left out on purpose: scripts are not run and nobody's paywall is walked around.
"""
