"""What editors do with watches on the command line: publish, explain, look at forms, evaluate, take suggestions.

Here the extractor and both steps of the alerter meet, as they do in production over topics; so these commands say what
subscribers will get and not what an approximation would.
"""
