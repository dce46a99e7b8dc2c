"""When a source is due: its own rhythm within one budget, hot stories, what servers wish."""
