"""`wirewatch sources …`: what operators ask about sources. One subcommand, one file; all but `check` only read."""
