"""Charges against a contract note worked by hand: 100 shares, bought at 1500, sold at 1510,
intraday on NSE.
"""

from otrade.charges import charge_segment, order_charges_e4


def test_the_worked_example():
    buy = order_charges_e4("NSE", "intraday", 1, 100, 1_500 * 100 * 10_000)
    sell = order_charges_e4("NSE", "intraday", -1, 100, 1_510 * 100 * 10_000)
    # brokerage 40.00, STT 37.75, transaction 9.24, SEBI 0.30, stamp 4.50, GST 8.92
    assert buy + sell == 1_007_100


def test_what_is_traded_decides_the_rate():
    assert charge_segment("NSE", "EQ", "MIS") == "intraday"
    assert charge_segment("NSE", "EQ", "CNC") == "delivery"
    assert charge_segment("NFO", "FUT", "MIS") == "futures"
    assert charge_segment("NFO", "PE", "NRML") == "options"
    assert charge_segment("MCX", "FUT", "NRML") == ""
    assert order_charges_e4("MCX", "", 1, 1, 10_000) == 0
