from typing import Any

from otrade.research.backtest.funds import BacktestFunds

class Exchange:
    def __init__(self, instruments: int, orders: int = 4096, fills: int = 65_536) -> None: ...
    def add_instrument(
        self,
        *,
        key: str,
        token: int,
        tick_e4: int,
        lot: int,
        freeze_qty: int,
        open_ns: int,
        close_ns: int,
        low_band_e4: int = 0,
        high_band_e4: int = 0,
        depth_lots: int = 1,
        book: int = 1,
        lpp: int = 0,
        is_derivative: bool = False,
        taken_from_ns: int = 0,
        taken_until_ns: int = 0,
    ) -> int: ...
    def set_path(
        self, screen: int, ts_ns: Any, px_e4: Any, qty: Any, noise: Any, spread: Any
    ) -> None: ...
    def set_before(self, screen: int, close_e4: int) -> None: ...
    def open_day(self, seed: int, day: int, way_low_ns: int, way_high_ns: int) -> None: ...
    def set_models(
        self, *, queue: int, slip_ticks: int, slip_bps_e2: int, share_e2: int
    ) -> None: ...
    def set_funds(self, funds: BacktestFunds | None, *, in_book: bool) -> None: ...
    def set_square_off(self, screen: int, at_ns: int) -> None: ...
    def clear_day(self) -> None: ...
    def arm(self) -> None: ...
    def run_paths_until(self, ts_ns: int) -> None: ...
    def try_place(
        self,
        screen: int,
        side: int,
        product: int,
        ord_type: int,
        qty: int,
        price_e4: int,
        trigger_e4: int,
        protection_e2: int,
        tag: str,
        tif: int = 0,
    ) -> int: ...
    def try_modify(
        self,
        order: int,
        ord_type: int,
        qty: int,
        price_e4: int,
        trigger_e4: int,
        protection_e2: int,
        tif: int = 0,
    ) -> int: ...
    def try_cancel(self, order: int) -> int: ...
    def fill_rows(self) -> list[tuple[int, int, str, int, int, int]]: ...
    def asked_ns(self) -> dict[str, int]: ...
    def order_rows(self) -> list[tuple[str, str, int]]: ...
