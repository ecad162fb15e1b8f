"""How what has been entered must be left: levels, prices, times and reasons."""
