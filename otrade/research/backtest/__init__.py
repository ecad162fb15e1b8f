"""Days of the past, traded by the live core against a compiled exchange in one address space. docs/backtest.md."""
