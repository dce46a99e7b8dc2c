"""Good manners: one request a domain at a time, robots.txt, and a count of what was asked of whom."""
