"""Bytes to a feed: RSS, Atom, JSON Feed, sitemaps, listing pages. Pure functions over what was served."""
