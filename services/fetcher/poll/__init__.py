"""One poll of a source: what is sent, what an answer means, what is remembered of it."""
