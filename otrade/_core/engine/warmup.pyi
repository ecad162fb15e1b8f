from otrade._core.engine.engine import Engine

MINUTE_NS: int
SIZES: dict[str, int]
PARAMS: dict[str, float]
PLAN: dict[str, float]
LIMITS: dict[str, int]
BUDGET: dict[str, int]

class WarmUp:
    @property
    def n_runs(self) -> int: ...
    def __init__(self, real: Engine) -> None: ...
    @property
    def n_orders(self) -> int: ...
    @property
    def request(self) -> bytes: ...
    def try_run(self) -> None: ...
