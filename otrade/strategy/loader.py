"""Loads a compiled strategy for the core: plain addresses, no compiler and no numpy.

Before a byte of it runs: the folder and the file are ours alone, the file is what was built, for this ABI
and for the processor level that the core itself was built for (which the core has checked).
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from otrade._core.cpu_check import CPU
from otrade._core.kernels import strategy_abi as abi
from otrade.errors import StrategyError
from otrade.strategy.build.library import Library, read_private, require_private
from otrade.strategy.check.spec import Spec
from otrade.strategy.lines import lines_of
from otrade.strategy.words.cell import structure


@dataclass(frozen=True)
class LoadedStrategy:
    """`compiled` is what the core registers. The library stays loaded for the life of the process."""

    spec: Spec
    compiled: abi.CompiledStrategy
    sha256: str

    def params(self, given: Mapping[str, float]) -> bytes:
        """Its parameters' record. StrategyError for one that is not there or out of bounds."""
        record = structure("params", self.spec.params_rows)()
        name, words = self.spec.refused(given)
        if name:
            raise StrategyError(f"{self.spec.path}: {words}")
        for name, one in self.spec.params.items():
            value = given.get(name, one.default)
            setattr(record, name, int(value) if one.kind == "int" else float(value))
        return bytes(record)

    def lines(self, given: Mapping[str, float]) -> tuple[abi.IndicatorOutput, ...]:
        """What a chart shows of it, with these parameters."""
        return lines_of(self.spec, given)


def load(found: Library) -> LoadedStrategy:
    """StrategyError when it is not exactly what was built for this engine."""
    manifest, path, spec = found.manifest, found.path, found.spec
    require_private(path.parent)
    data = read_private(path)
    if hashlib.sha256(data).hexdigest() != manifest.sha256:
        raise StrategyError(f"{path}: not the file that was built; build the strategy again")
    if manifest.source_sha256 != hashlib.sha256(spec.source).hexdigest():
        raise StrategyError(
            f"{path}: built from another source than {spec.path}; build the strategy again"
        )
    if manifest.abi != abi.abi_id():
        raise StrategyError(
            f"{path}: built for another version of OTrade; build the strategy again"
        )
    if manifest.cpu != CPU:
        raise StrategyError(
            f"{path}: built for {manifest.cpu}, and this OTrade is for {CPU}; build the strategy again"
        )
    try:
        library = ctypes.CDLL(str(path))
        hooks = {
            hook: ctypes.cast(getattr(library, hook), ctypes.c_void_p).value or 0
            for hook in spec.hooks
        }
    except (OSError, AttributeError) as error:
        raise StrategyError(
            f"{path}: cannot be loaded: {error}; build the strategy again"
        ) from None
    compiled = abi.CompiledStrategy(
        build=manifest.key,
        name=spec.name,
        entry_points=hooks,
        params_bytes=spec.params_bytes,
        state=spec.first_state,
        timer_s=spec.timer_s,
        reasons=tuple(words for _, words in spec.reasons.values()),
    )
    return LoadedStrategy(spec, compiled, manifest.sha256)
