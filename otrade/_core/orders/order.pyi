from otrade._core.types import Ev, OrdStatus, Pending

S = OrdStatus
E = Ev
P = Pending
LIVE: tuple[OrdStatus, ...]
ENDED: tuple[OrdStatus, ...]
STATUS_ROWS: tuple[tuple[OrdStatus, Ev, OrdStatus, str], ...]
REPORTS_OF_LIFE: tuple[Ev, ...]
ENDINGS: tuple[Ev, ...]
PENDING_ROWS: tuple[tuple[Pending, Ev, Pending, str], ...]

def step(status: int, pending: int, in_doubt: int, ev: int) -> tuple[int, int, int, int]: ...
def take_counts() -> dict[tuple[str, str], int]: ...
