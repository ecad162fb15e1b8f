"""The instrument dump: what is found, what is refused."""

import datetime as dt

import pytest

from otrade.errors import InstrumentError
from otrade.instruments.kite import COLUMNS, KiteInstrumentFile

TODAY = dt.date(2026, 11, 23)
ROWS = """408065,1594,INFY,INFOSYS,0,,0,0.1,1,EQ,NSE,NSE
140033,547,TATAGOLD,TATA GOLD ETF,0,,0,0.01,1,EQ,NSE,NSE
256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE
12804098,50016,NIFTY26NOVFUT,NIFTY,0,2026-11-23,0,0.1,65,FUT,NFO-FUT,NFO
12804354,50017,NIFTY26DECFUT,NIFTY,0,2026-12-29,0,0.1,65,FUT,NFO-FUT,NFO
12804610,50018,INFY26DECFUT,INFY,0,2026-12-29,0,0.1,400,FUT,NFO-FUT,NFO
12804866,50019,NIFTY26OCTFUT,NIFTY,0,2026-10-27,0,0.1,65,FUT,NFO-FUT,NFO
12805122,50020,NIFTY26DEC26000CE,NIFTY,0,2026-12-29,26000,0.05,65,CE,NFO-OPT,NFO
"""


def dump(rows=ROWS):
    return KiteInstrumentFile(",".join(COLUMNS) + "\n" + rows)


def test_a_stock_with_derivatives_leaves_continuous_trading_earlier():
    # Kite names the underlying of a stock future by its trading symbol
    infy, gold = dump().find("NSE:INFY", TODAY), dump().find("NSE:TATAGOLD", TODAY)
    assert (infy.token, infy.tick_size_e4, infy.lot_size, infy.wire_segment) == (408065, 1000, 1, 1)
    assert (infy.calendar_segment, gold.calendar_segment) == ("cash_with_derivatives", "cash")
    assert gold.tick_size_e4 == 100


def test_the_nearest_future_is_the_one_that_expires_next_today_included():
    near = dump().find("NFO:NIFTY.FUT", TODAY)
    assert near.tradingsymbol == "NIFTY26NOVFUT" and near.is_index_expiry(TODAY)
    assert (
        dump().find("NFO:NIFTY.FUT", TODAY + dt.timedelta(days=1)).tradingsymbol == "NIFTY26DECFUT"
    )
    assert (near.lot_size, near.freeze_qty, near.calendar_segment) == (65, 1800, "derivatives")


def test_an_index_is_not_tradable():
    assert dump().find("NSE:NIFTY 50", TODAY).is_index


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("NSE:INFI", "did you mean INFY"),
        ("NFO:NIFTI.FUT", "did you mean NIFTY"),
        ("NFO:NIFTY26OCTFUT", "expired on 2026-10-27"),
        ("BSE:INFY", "no such instrument"),
    ],
)
def test_what_is_not_there_is_named_with_a_fix(symbol, words):
    with pytest.raises(InstrumentError, match=words) as caught:
        dump().find(symbol, TODAY)
    assert symbol in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html>login</html>", "header"),
        (",".join(COLUMNS) + "\n" + ROWS[:-30], "cut short"),
        (",".join(COLUMNS) + "\n1,2,3\n", "3 columns"),
        (",".join(COLUMNS) + "\n408065,1594,INFY,INFOSYS,0,,0,zero,1,EQ,NSE,NSE\n", "malformed"),
        (",".join(COLUMNS) + "\n408065,1594,INFY,INFOSYS,0,,0,0.00001,1,EQ,NSE,NSE\n", "malformed"),
    ],
)
def test_a_damaged_file_is_refused(text, words):
    with pytest.raises(InstrumentError, match=words):
        KiteInstrumentFile(text).find("NSE:INFY", TODAY)


def widened(place, name="isin", value="INE009A01021"):
    """The dump with one more column."""
    lines = [",".join(COLUMNS), *ROWS.splitlines()]
    rows = [line.split(",") for line in lines]
    for number, row in enumerate(rows):
        row.insert(place, value if number else name)
    return "\n".join(",".join(row) for row in rows) + "\n"


SYMBOLS = ["NSE:INFY", "NSE:NIFTY 50", "NFO:NIFTY.FUT", "NFO:NIFTY.26000CE@2026-12-29"]


@pytest.mark.parametrize(
    "text",
    [
        *(widened(place) for place in (0, 2, 3, 10, 11, 12)),
        widened(12).rstrip("\n"),
        widened(12, value='"a, b"'),
        ",".join(COLUMNS) + "\n" + ROWS + "\n",
        ",".join(COLUMNS) + "\n" + ROWS + "\r\n  \n",
        ",".join(COLUMNS) + "\n" + ROWS + "  ",
        "\ufeff" + ",".join(COLUMNS) + "\n" + ROWS,
        "\ufeff" + widened(12) + "\n",
        (",".join(COLUMNS) + "\n" + ROWS).replace("\n", "\r\n"),
    ],
)
def test_one_more_column_a_mark_or_a_blank_line_changes_nothing(text):
    plain = dump()
    for file in (KiteInstrumentFile(text), KiteInstrumentFile(text.encode())):
        assert [file.find(s, TODAY) for s in SYMBOLS] == [plain.find(s, TODAY) for s in SYMBOLS]
        assert list(file.entries()) == list(plain.entries())
        assert file.by_number("NSE", 1594) == plain.by_number("NSE", 1594)
        with pytest.raises(InstrumentError, match="did you mean INFY"):
            file.find("NSE:INFI", TODAY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (widened(12)[:-30], "cut short"),
        (widened(12).replace(",exchange,", ",market,"), "header"),
        (widened(12).replace(",isin", ",name", 1), "header"),
        (widened(12).replace("0.1,1,EQ,NSE,NSE,INE009A01021", "0.1,1,EQ,NSE,NSE", 1), "columns"),
        ("\ufeff<html>login</html>", "header"),
        (",".join(COLUMNS) + "\n\n", "no instrument"),
    ],
)
def test_a_wider_dump_that_is_damaged_is_refused(text, words):
    with pytest.raises(InstrumentError, match=words):
        KiteInstrumentFile(text).find("NSE:INFY", TODAY)
