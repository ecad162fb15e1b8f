"""The C programs and the certificate, made when they are needed. `Missing` says what the machine
lacks.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FLAGS = ("-O2", "-D_GNU_SOURCE", "-std=gnu11", "-Wall", "-Wextra", "-Werror")


class Missing(Exception):
    """Something that this harness needs is not on this machine."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything that a run needs beside Python. `build` keeps what is made."""

    build: Path
    exchange: Path
    floor: Path
    cert: Path
    key: Path


def make(build: Path) -> Tools:
    """Compile into `build`, and make a certificate there for this machine's loopback address, good
    for a week.
    """
    build.mkdir(parents=True, exist_ok=True)
    tools = Tools(build, build / "exchange", build / "floor", build / "cert.pem", build / "key.pem")
    for program in (tools.exchange, tools.floor):
        compile_program(HERE / f"{program.name}.c", program)
    _certify(tools)
    return tools


def compile_program(source: Path, program: Path) -> None:
    """Missing when the compiler or its libraries are; RuntimeError when the source is at fault."""
    if not shutil.which("gcc"):
        raise Missing("no gcc")
    done = subprocess.run(
        ["gcc", *FLAGS, str(source), "-o", str(program), "-lssl", "-lcrypto"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        if "openssl/" in done.stderr and "No such file" in done.stderr:
            raise Missing("no OpenSSL headers (Debian: libssl-dev)")
        raise RuntimeError(f"{source.name} does not compile:\n{done.stderr}")


def _certify(tools: Tools) -> None:
    if not shutil.which("openssl"):
        raise Missing("no openssl command")
    tools.key.unlink(missing_ok=True)
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "7",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-keyout",
            str(tools.key),
            "-out",
            str(tools.cert),
        ],
        check=True,
        capture_output=True,
    )
