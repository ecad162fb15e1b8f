"""The fault drill: whole sessions of the engine against the simulated exchange, with everything
going wrong that can. `otrade drill` runs it; the exchange's own books are the judge. Imports the
simulator, brokers and the parts of `live` that make a day.
"""
