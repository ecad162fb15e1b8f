"""The engine's own process, under the names that every Prometheus client gives them. Nobody else may
read all of it: the process is not dumpable.
"""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from otrade.live.monitoring.metric_family import Metric, counter, gauge


def process_metrics() -> Iterator[Metric]:
    """Nothing where there is no /proc."""
    try:
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        n_open = len(os.listdir("/proc/self/fd"))
        booted = next(
            line.split()[1]
            for line in Path("/proc/stat").read_bytes().splitlines()
            if line.startswith(b"btime ")
        )
    except (OSError, StopIteration):
        return
    ticks = os.sysconf("SC_CLK_TCK")
    yield gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", float(fields[20]))
    yield gauge(
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
        float(fields[21]) * resource.getpagesize(),
    )
    yield gauge(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        float(fields[19]) / ticks + float(booted),
    )
    yield counter(
        "process_cpu_seconds",
        "Total user and system CPU time spent in seconds.",
        (float(fields[11]) + float(fields[12])) / ticks,
    )
    yield gauge("process_open_fds", "Number of open file descriptors.", n_open)
    yield gauge(
        "process_max_fds",
        "Maximum number of open file descriptors.",
        resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )
