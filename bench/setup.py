"""Build the compiled inner loops beside this file: `python bench/setup.py build_ext --inplace` from
the repository's root.
"""

from pathlib import Path

from setuptools import Extension, setup

HERE = Path(__file__).parent
ROOT = HERE.parent
loops = Extension(
    "bench.loops",
    [str((HERE / "loops.pyx").relative_to(ROOT))],
    include_dirs=[str(ROOT), str(HERE)],
    extra_compile_args=["-O3", "-ffp-contract=off"],
)
loops.cython_include_dirs = [str(ROOT)]
setup(name="otrade-bench", packages=[], ext_modules=[loops])
