"""What a scenario is drawn from beyond its first draws: settings by subject, each with a stream of
its own, so that what else a seed draws stays as it is. Plain data in, plain data out.
"""
