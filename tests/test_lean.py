"""What is left out of an import is left out for that import alone."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(program: str) -> str:
    """In a fresh interpreter: this one has imported everything already."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def test_a_stand_in_is_seen_by_its_importer_alone() -> None:
    seen = run(
        "import sys\n"
        "from otrade.lean import without\n"
        "with without({'html': {'escape': 1}, 'typing_extensions': None, 'os': {'sep': 2}}):\n"
        "    import html as crippled\n"
        "    import os\n"
        "    try:\n        import typing_extensions\n    except ImportError:\n        print('absent')\n"
        "import html, typing_extensions\n"
        "print(crippled.escape, html.escape('<'), os.sep, typing_extensions.__name__)\n"
    )
    assert seen == "absent\n1 &lt; / typing_extensions\n", (
        "and a module that was there is left alone"
    )


def test_the_server_comes_without_them_and_everybody_else_gets_them() -> None:
    left_out = (
        "html.entities",
        "http.client",
        "logging.config",
        "configparser",
        "pickle",
        "multiprocessing",
        "click",
    )
    program = (
        "import sys, otrade.live.runner, otrade.web.server\n"
        f"print([name for name in {left_out!r} if name in sys.modules])\n"
        "import http.client, html, logging.config, configparser, pickle, websockets.version\n"
        "print(http.client.HTTPConnection.__name__, html.unescape('&lt;'), logging.config.dictConfig.__name__, "
        "configparser.RawConfigParser.__name__, pickle.loads(pickle.dumps(3)), bool(websockets.version.version))\n"
    )
    assert run(program) == "[]\nHTTPConnection < dictConfig RawConfigParser 3 True\n"
