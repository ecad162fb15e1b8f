"""A day's journal beside the backtest of the same prices: which executions are the same, which differ, and why."""
