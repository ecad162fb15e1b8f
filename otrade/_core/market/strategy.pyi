from otrade._core.kernels.strategy_abi import CompiledStrategy

KINDS: tuple[str, ...]

def register(loaded: CompiledStrategy) -> None: ...
