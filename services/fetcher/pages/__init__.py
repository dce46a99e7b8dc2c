"""The pages of new entries: who is next, one fetch, every try to its end."""
