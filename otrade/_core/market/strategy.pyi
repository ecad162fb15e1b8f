from collections.abc import Callable

from otrade._core.kernels.strategy_abi import CompiledStrategy

KINDS: tuple[str, ...]

def register(loaded: CompiledStrategy) -> None: ...
def find_with(finder: Callable[[str, str], None]) -> None: ...
