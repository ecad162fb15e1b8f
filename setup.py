"""Build: kernels to an object (in a process of its own), then one extension for each .pyx.
Everything else is pyproject.toml.
"""

import os
import subprocess
import sys
from pathlib import Path

import Cython
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
os.chdir(ROOT)
KERNELS = Path("build/kernels")
# What Cython adds to every extension is compiled once, and they share it: a process that loads all of
# them is a megabyte smaller.
SHARED = "otrade._core._cyutility"
SHARED_C = Path("build", f"cython-{Cython.__version__}", "_cyutility.c")
SANITIZE = (
    ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"]
    if os.environ.get("OTRADE_SANITIZE")
    else []
)
# Contraction off: a fused multiply-add would give other bits than the kernels, and than another
# machine.
COMPILE = ["-O3", "-ffp-contract=off", "-fvisibility=hidden", "-Wno-unreachable-code", *SANITIZE]


class BuildExt(build_ext):
    """Compile kernels and built-in strategies, derive the headers and write what extensions share,
    before any of them is looked at.
    """

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        env = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
        for made_by in ("otrade._core.kernels.aot", "otrade.strategy.build.builtin"):
            subprocess.check_call([sys.executable, "-m", made_by, str(KERNELS)], env=env)
        if not SHARED_C.exists():
            SHARED_C.parent.mkdir(parents=True, exist_ok=True)
            words = [f"--generate-shared={SHARED_C}", "--module-name", SHARED]
            subprocess.check_call([sys.executable, "-m", "cython", *words], env=env)
        super().run()


def extension(pyx: Path) -> Extension:
    text = (
        pyx.read_text() + pyx.with_suffix(".pxd").read_text()
        if pyx.with_suffix(".pxd").exists()
        else pyx.read_text()
    )
    of_sources = (
        ["otrade/_core/build_id.h"] if pyx.stem == "build_id" else []
    )  # changes with every source of the core
    linked = ["build/kernels/otk_kernels.o"] if "cimport otk" in text or ", otk" in text else []
    if "builtin.h" in text:
        linked.append("build/kernels/builtin.o")
        of_sources.append("otrade/_core/builtin.h")
    ext = Extension(
        ".".join(pyx.with_suffix("").parts),
        [str(pyx)],
        include_dirs=["."],
        extra_objects=linked,
        libraries=["m"],
        extra_compile_args=COMPILE,
        extra_link_args=SANITIZE,
        depends=[
            "otrade/_core/types.py",
            "otrade/_core/types.h",
            "otrade/_core/otk.h",
            "otrade/_core/crc32c.h",
            *of_sources,
            *linked,
            *map(str, Path("otrade").rglob("*.pxd")),
        ],
    )
    ext.shared_utility_qualified_name = SHARED
    ext.cython_include_dirs = ["."]
    ext.cython_directives = {"language_level": "3", "freethreading_compatible": False}
    return ext


setup(
    ext_modules=[
        Extension(SHARED, [str(SHARED_C)], extra_compile_args=COMPILE, extra_link_args=SANITIZE),
        *(extension(p) for p in sorted(Path("otrade").rglob("*.pyx"))),
    ],
    cmdclass={"build_ext": BuildExt},
)
